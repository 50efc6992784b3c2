"""What the site shows from outside of docs/: the examples, each with its program, and the changelog.

A link to one of them, as it works in the repository (`../examples/train.py`), leads to its page.
"""

import ast
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent


def on_files(files, config):
    """Add a page for every example, and the changelog."""
    for program in sorted((ROOT / "examples").glob("*.py")):
        files.append(File.generated(config, f"examples/{program.stem}.md", content=page(program)))
    files.append(File.generated(config, "CHANGELOG.md", content=(ROOT / "CHANGELOG.md").read_text()))
    return files


def on_page_markdown(markdown, **_):
    """Turn links that leave docs/ into links to the pages above."""
    markdown = re.sub(r"\]\(\.\./examples/(\w+)\.py\)", r"](examples/\1.md)", markdown)
    return markdown.replace("](../CHANGELOG.md)", "](CHANGELOG.md)")


def page(program):
    """Return the page of one example: its docstring, then the program."""
    text = program.read_text()
    title, _, rest = ast.get_docstring(ast.parse(text)).partition("\n")
    return f"# {program.name}\n\n{title}\n\n{rest.strip()}\n\n```python\n{text}```\n"
