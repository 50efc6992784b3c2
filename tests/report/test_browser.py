"""The report in a real browser: no errors, tables that sort and tell, and nothing wider than a phone."""

import json
import re
import shutil

import pytest
from launch import run_group

from hyperspace import hyperdrive
from hyperspace.report import render_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")

# What the page does is told to the page around it, whose text the browser prints.
PROBE = """
<script>
const seen = {width: document.documentElement.clientWidth};
const table = document.querySelector("#trials table");
const column = (name) => [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent.startsWith(name));
const value = (cell) => cell.dataset.value ?? cell.textContent;
const values = (name) => [...table.tBodies[0].rows].map((row) => value(row.cells[column(name)]));
const press = (name) => table.tHead.rows[0].cells[column(name)].querySelector("button").click();
seen.first = values("objective");
press("objective"); seen.up = values("objective");
press("objective"); seen.down = values("objective");
seen.sorted = table.tHead.rows[0].cells[column("objective")].getAttribute("aria-sort");
press("kind"); seen.kinds = values("kind");
const row = table.tBodies[0].rows[0];
row.focus();
seen.note = document.getElementById("note").textContent;
seen.shown = !document.getElementById("note").hidden;
document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
seen.gone = document.getElementById("note").hidden;
seen.wide = document.documentElement.scrollWidth;
seen.drawn = [...document.querySelectorAll("svg")].every((svg) => svg.getBoundingClientRect().height > 100);
seen.background = getComputedStyle(document.body).backgroundColor;
parent.postMessage(JSON.stringify(seen), "*");
</script>
"""
AROUND = """<!DOCTYPE html><meta charset="utf-8"><pre id="seen"></pre>
<script>addEventListener("message", (event) => { document.getElementById("seen").textContent = event.data; });</script>
<iframe src="report.html" style="width: WIDTHpx; height: 900px; border: 0"></iframe>"""


def browse(folder, page, width, *options):
    """Open the page at a width; return what the probe saw, and what the browser's console got."""
    (folder / "report.html").write_text(page.replace("</body>", PROBE + "</body>"))
    (folder / "around.html").write_text(AROUND.replace("WIDTH", str(width)))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=5000"]
    command += [
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,1000",
        *options,
        "--dump-dom",
        folder / "around.html",
    ]
    done = run_group(command, 120, folder)
    text = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert text is not None, done.stderr
    assert text.group(1), done.stderr
    return json.loads(text.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")), [
        line for line in done.stderr.splitlines() if "CONSOLE" in line
    ]


def objective(p):
    if p["units"] == 4:
        raise RuntimeError("no")
    return p["rate"] + p["units"] * 100


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("browser") / "study"
    space = {"rate": (1e-4, 1.0, "log-uniform"), "units": (1, 12), "kind": ["a" * 60, "b", "c"], "a_very_long_name" * 4: (0, 1)}
    hyperdrive(objective, space, path, model="RAND", n_calls=40, n_subspaces=4)
    return render_report(path)


@pytest.mark.parametrize("width", [390, 1200])
def test_it_works_in_a_browser_without_an_error(page, tmp_path, width):
    seen, console = browse(tmp_path, page, width)
    assert console == []
    assert seen["width"] in (width, width - 15)  # less a scroll bar
    assert seen["wide"] <= seen["width"], "the page is wider than the screen"
    assert seen["drawn"]
    ok = [float(value) for value in seen["first"] if value]
    assert ok == sorted(ok)
    assert seen["up"] == sorted(seen["first"], key=lambda value: (value == "", float(value or 0)))
    assert seen["down"] == sorted(seen["first"], key=lambda value: (value == "", -float(value or 0)))
    assert seen["sorted"] == "descending"
    assert seen["kinds"] == sorted(seen["kinds"])
    assert "rate = " in seen["note"]
    assert seen["shown"]
    assert seen["gone"]


def test_it_is_dark_where_the_reader_wants_it_dark(page, tmp_path):
    light, _ = browse(tmp_path, page, 800)
    dark, _ = browse(tmp_path, page, 800, "--blink-settings=preferredColorScheme=0")
    assert light["background"] == "rgb(244, 245, 247)"
    assert dark["background"] == "rgb(20, 24, 29)"


def test_an_error_would_be_seen(page, tmp_path):
    _, console = browse(tmp_path, page.replace("</body>", "<script>undefinedFunction();</script></body>"), 800)
    assert any("undefinedFunction" in line for line in console)
