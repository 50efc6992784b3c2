"""What the tests of the report share: hostile text, a reader of pages, and the data of a report."""

import re
import time
from html.parser import HTMLParser
from pathlib import Path

from hyperspace import load_results
from hyperspace.report.evidence import Evidence
from hyperspace.results.monitor import Monitor

EVIL = "<script>alert(1)</script>\"'&\x00\x1b[31m$x$"


class Reader(HTMLParser):
    """Collects the page's text, the tags and attributes, by the section that they are in."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.section, self._raw = [], {}, "", 0
        self.feed(page)
        self.close()

    def handle_starttag(self, name, attributes):
        self.tags.append((name, dict(attributes)))
        if name == "section":
            self.section = dict(attributes)["id"]
        self._raw += name in ("script", "style")

    def handle_endtag(self, name):
        self._raw -= name in ("script", "style")

    def handle_data(self, data):
        if not self._raw:
            self.text[self.section] = self.text.get(self.section, "") + data


def words(content):
    """The text of a part of a page, with single blanks."""
    return " ".join("".join(Reader(content).text.values()).split())


def rows(content, number=0):
    """The rows of a table in a part of a page, each a list of the cells' texts; the first one has the heads."""
    table = content.split("<table")[number + 1].partition("</table>")[0]
    return [
        [words(f"<p>{cell}") for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, flags=re.DOTALL)]
        for row in table.split("<tr")[1:]
    ]


def evidence_of(path, modeled=False):
    """The data of a report on a study; `modeled`: with predictions and importance, which take a second."""
    parts = (Path(path).name, load_results(path), Monitor(path).look(time.time()))
    return Evidence.of(*parts) if modeled else Evidence(*parts, None, None)
