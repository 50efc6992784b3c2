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
const drawings = [...document.querySelectorAll("svg")].filter((svg) => svg.checkVisibility());
seen.drawn = drawings.length > 5 && drawings.every((svg) => svg.getBoundingClientRect().height > 100);
// Labels are read where they are drawn: not cut off by the drawing, and not tiny.
const box = (element) => element.getBoundingClientRect();
seen.cut = []; seen.least = 1000; seen.narrow = [];
for (const svg of drawings) {
  const room = box(svg), card = box(svg.closest("figure"));
  if (room.width < 0.97 * card.width) seen.narrow.push(svg.getAttribute("aria-label"));
  const scale = room.width / svg.viewBox.baseVal.width;
  for (const text of svg.querySelectorAll("text")) {
    const own = box(text);
    if (own.left < room.left - 2 || own.right > room.right + 2) seen.cut.push(text.textContent);
    seen.least = Math.min(seen.least, scale * parseFloat(getComputedStyle(text).fontSize));
  }
}
seen.ink = getComputedStyle(drawings[0]).color;
const probe = document.createElement("span");
document.body.append(probe);
const color = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
seen.paper = getComputedStyle(document.querySelector("section")).backgroundColor;
seen.quiet = color("quiet"); seen.marks = ["blue", "grey", "g0", "g1"].map(color);
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


def contrast(one, other):
    """The ratio of WCAG 2 between two colors such as rgb(1, 2, 3)."""

    def luminance(color):
        parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1200, "dark")])
def test_pictures_fill_their_cards_and_can_be_read(page, tmp_path, width, scheme):
    seen, _ = browse(tmp_path, page, width, *(["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []))
    assert seen["cut"] == []
    assert seen["least"] >= 7.0, "text of pictures in pixels"
    assert seen["narrow"] == []
    assert contrast(seen["ink"], seen["paper"]) >= 4.5
    assert contrast(seen["quiet"], seen["paper"]) >= 4.5
    assert all(contrast(mark, seen["paper"]) >= 3.0 for mark in seen["marks"])


def test_it_is_dark_where_the_reader_wants_it_dark(page, tmp_path):
    light, _ = browse(tmp_path, page, 800)
    dark, _ = browse(tmp_path, page, 800, "--blink-settings=preferredColorScheme=0")
    assert light["background"] == "rgb(244, 245, 247)"
    assert dark["background"] == "rgb(20, 24, 29)"


def test_an_error_would_be_seen(page, tmp_path):
    _, console = browse(tmp_path, page.replace("</body>", "<script>undefinedFunction();</script></body>"), 800)
    assert any("undefinedFunction" in line for line in console)
