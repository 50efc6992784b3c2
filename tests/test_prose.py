"""Prose check of docstrings, comments, docs/*.md, README.md and CHANGELOG.md: sentence length and banned phrases.

`make lint` runs this file as a script, which also prints warnings. A page or module with open findings is listed in `EXEMPT`. The
test fails for a listed file without findings, so that the list only shrinks.
"""

import ast
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WARN, FAIL = 25, 35  # words in a sentence
BANNED = {
    r"(^|[.:;] )What\b|\b(Return|Yield|Take|is|of|by|from|for|and|than) what (?!if\b)": "a noun: the result, the value",
    r"(^|[.:;] )Of (a|an|the|what|many|these|those)\b": "subject, verb, object",
    r"\b(so many|how-manieth)\b": "a number",
    r"\banew\b": "again",
    r"\b(take|takes|took|taken|taking) up\b": "process, restore",
    r"\b(lie|lies|lay)\b": "is, are",
    r"\btells? (of|whether|which|what|where)\b": "describes, return whether",
    r"\b(nobody|everybody|somebody|anybody|everyone|whoever)\b": "every rank, no rank, a user",
    r"\b(says?|knows?) (which|what|how|why|whether|where|nothing)\b": "defines, contains",
    r"\b(keen|roams?|lent|scouts?|valleys?|thoughts?|gift|stirred|mates?)\b": "the field's word",
    r"\bin the place of\b": "instead of",
    r"\b(under way|worked out|for ever|of late)\b": "pending, computed, forever, recently",
    r"\b(goes?|going) on as (it|they) would have\b": "continues identically",
    r"(?<![Tt]here )\b(is|are|was|were) (no|none)\b(?! longer)": "is not a ...",
}
QUOTED = {"hyperspace/numerics/sobol_directions.py"}  # a license in another's words
EXEMPT: set[str] = set()


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line number and text of the docstrings of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if documented and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line number and text of the comments of a module, except those for tools."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT and not re.match(r"# (type: |noqa|fmt|isort)", token.string):
                yield token.start[0], token.string.strip("# ")


def page(path: Path) -> Iterator[tuple[int, str]]:
    """Yield a Markdown page without its code blocks, HTML comments and front matter."""
    blank = lambda found: re.sub(r"[^\n]", "", found[0])  # noqa: E731  # keeps line numbers
    text = re.sub(r"^( *)(```|~~~).*?^\1\2 *$|<!--.*?-->|\A---\n.*?^---$", blank, path.read_text(), flags=re.M | re.S)
    yield 1, text


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of paragraphs, list items and "name: meaning" entries; tables and indented blocks are skipped."""
    block, start, margin = [], 0, 0
    for number, line in enumerate([*text.split("\n"), ""]):
        indent = len(line) - len(line.lstrip())
        begins = re.match(r"\s*([-*] |\d+\. |#|>|\||[\w`*, ]+\b: |[A-Z]\w+:$)", line) is not None
        if not line.strip() or begins or (block and indent < margin):
            if block:
                yield start, " ".join(block)
            block = []
        if not line.strip() or line.lstrip().startswith(("|", "#", "!!!", "???")) or "   " in line.strip():
            continue
        if block or begins or indent == 0:
            start, margin = (number, indent) if not block else (start, margin)
            block.append(line.strip())


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph, with code as one word, without links, quoted names and citations."""
    text = re.sub(r"``?[^`]*``?", "CODE", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text))
    text = re.sub(r'"[^"]*"|\([^()]*\b(19|20)\d\d\b[^()]*\)', "", text)
    return re.split(r"(?<=[.!?])\s+(?=[\"'(A-Z`*]|$)|(?<=:)\s+", text)


def findings(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield messages on a file, and whether each is a failure or a warning."""
    for first, text in [*docstrings(path), *comments(path)] if path.suffix == ".py" else page(path):
        for offset, paragraph in paragraphs(text):
            where = f"{path.relative_to(ROOT)}:{first + offset}"
            for sentence in sentences(paragraph):
                words = len(re.findall(r"[A-Za-z][\w'-]*", sentence))
                if words > WARN:
                    yield f"{where}: {words} words: {sentence[:70]}", words > FAIL
            for pattern, instead in BANNED.items():
                if found := re.search(pattern, paragraph):
                    yield f"{where}: {found[0]!r}; say: {instead}", True


FILES = [*ROOT.glob("hyperspace/**/*.py"), *ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]
FILES = sorted(path for path in FILES if str(path.relative_to(ROOT)) not in QUOTED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sentences_are_short_and_plain(path: Path) -> None:
    failures = [message for message, fails in findings(path) if fails]
    if str(path.relative_to(ROOT)) in EXEMPT:
        assert failures, "remove this file from EXEMPT"
    else:
        assert not failures, "\n".join(failures)


if __name__ == "__main__":
    found = [item for path in FILES if str(path.relative_to(ROOT)) not in EXEMPT for item in findings(path)]
    print(*(message if fails else f"{message} (warning)" for message, fails in found), sep="\n")
    sys.exit(any(fails for _, fails in found))
