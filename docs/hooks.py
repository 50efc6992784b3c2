"""Pages of the site for files outside of docs/: one for each file of the repository that a page links to.

A link as it works in the repository (`../examples/train.py`, `../benchmarks/NOTEBOOK.md#section`) leads to that page.
"""

import ast
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(\.\./([\w./-]+\.\w+)(#[\w-]+)?\)")
LANGUAGES = {".py": "python", ".sbatch": "bash", ".toml": "toml"}


def on_files(files, config):
    """Add a page for every file that is linked to, and the changelog."""
    linked = {link[1] for page in (ROOT / "docs").glob("*.md") for link in LINK.finditer(page.read_text())}
    for name in sorted({*linked, "CHANGELOG.md"}):
        files.append(File.generated(config, place(name), content=page(ROOT / name)))
    return files


def on_page_markdown(markdown, page, **_):
    """Turn links that leave docs/ into links to the pages above."""
    depth = page.file.src_uri.count("/")
    return LINK.sub(lambda link: f"]({'../' * depth}{place(link[1])}{link[2] or ''})", markdown)


def place(name):
    """Return where the page of a file stands in the site: examples/train.py in examples/train.md, pid.toml in pid.toml.md."""
    return f"{name.removesuffix('.md').removesuffix('.py')}.md"


def page(path):
    """Return the page of one file: of a program its docstring, then the text."""
    text = path.read_text()
    if path.suffix == ".md":
        return text
    said = ast.get_docstring(ast.parse(text)) if path.suffix == ".py" else None
    title, _, rest = (said or "").partition("\n")
    return f"# {path.name}\n\n{title}\n\n{rest.strip()}\n\n```{LANGUAGES.get(path.suffix, 'text')}\n{text}```\n"
