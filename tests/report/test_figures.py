"""Pictures within the page: names of their own, the page's colors, and a sentence where there is too little data."""

import re

import matplotlib as mpl
from pages import Reader

from hyperspace.errors import StudyError
from hyperspace.plots import style
from hyperspace.report.figures import colors, picture


def test_pictures_do_not_share_names(page):
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names))
    for used in re.findall(r"url\(#([^)]+)\)", page):
        assert used in names


def test_pictures_take_the_pages_colors(page):
    assert "currentColor" in page
    assert "#0a0b0d" not in page
    assert "#fdfbfa" not in page


def line(ax):
    ax.plot([0, 1], [0, 1], color=style.BLUE, label="a line")


def test_a_picture_is_a_figure_with_its_caption():
    content = picture("name", 'What it <shows> & "how"', line)
    read = Reader(content)
    (svg,) = [attributes for name, attributes in read.tags if name == "svg"]
    assert svg["role"] == "img"
    assert svg["aria-label"] == "What it  shows     how "
    assert "width" not in svg  # it has the width of its card
    assert "style" not in svg
    assert content.endswith("<figcaption>What it &lt;shows&gt; &amp; &quot;how&quot;</figcaption></figure>")
    assert "var(--blue)" in content
    assert style.BLUE.lower() not in content
    assert "<metadata>" not in content
    assert "<?xml" not in content


def test_a_scrolled_picture_keeps_its_width():
    (svg,) = [
        attributes for name, attributes in Reader(picture("name", "label", line, 10.0, scrolled=True)).tags if name == "svg"
    ]
    assert svg["style"] == "width:720pt;min-width:100%"


def test_narrow_pages_have_a_drawing_of_their_own():
    content = picture("name", "label", line, 8.0, 4.0, narrow=(4.0, 3.0))
    boxes = [attributes["viewbox"] for name, attributes in Reader(content).tags if name == "svg"]
    assert boxes == ["0 0 576 288", "0 0 288 216"]
    names = re.findall(r' id="([^"]+)"', content)
    assert len(names) == len(set(names)) > 0


def test_too_little_data_is_a_sentence():
    def fails(ax):
        raise StudyError("a model needs 3 trials; there are 2")

    assert picture("name", "Importance", fails) == '<p class="missing">Importance: a model needs 3 trials; there are 2.</p>'


def test_very_many_marks_become_an_image(monkeypatch):
    def dots(ax):
        ax.scatter(range(500), range(500), c=range(500))

    small = picture("name", "label", dots)
    assert "data:image/png" not in small
    monkeypatch.setattr("hyperspace.report.figures._MOST_BYTES", 10_000)
    assert "data:image/png;base64," in picture("name", "label", dots)


def test_the_settings_of_pictures_do_not_leak():
    before = dict(mpl.rcParams)
    picture("name", "label", line)
    assert dict(mpl.rcParams) == before


def test_each_color_has_a_value_for_light_and_for_dark_paper():
    light, _, dark = colors().partition("@media (prefers-color-scheme: dark)")
    of_light, of_dark = (dict(re.findall(r"--(\w+):(#[0-9A-Fa-f]{6});", part)) for part in (light, dark))
    assert of_light.keys() == of_dark.keys()
    assert {"blue", "sky", "grey", *(f"g{i}" for i in range(len(style.SHADES)))} == of_light.keys()
    assert of_light["g0"] == style.SHADES[0]
    # The best one, g0, has the strongest contrast: it is dark on light paper, and light on dark paper.
    brightness = {
        name: [sum(bytes.fromhex(part[f"g{i}"][1:])) for i in (0, 23)] for name, part in (("l", of_light), ("d", of_dark))
    }
    assert brightness["l"][0] < brightness["l"][1]
    assert brightness["d"][0] > brightness["d"][1]
