"""`hyperspace plot` and `hyperspace report`: each kind writes its file, and what cannot be drawn is one sentence."""

import pytest
from PIL import Image

from hyperspace import hyperdrive
from hyperspace.cli.plot_command import Kind


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("plot") / "study"
    hyperdrive(lambda x: x[0] + x[1], [(0.0, 1.0), (0.0, 1.0)], path, model="RAND", n_calls=8, n_drives=4)
    return path


OF_SEVERAL_GOALS = (Kind.FRONT, Kind.HYPERVOLUME, Kind.ATTAINMENT)  # see test_front.py
NEED_MORE = (Kind.REGRET, Kind.ANIMATION, Kind.CURVES, *OF_SEVERAL_GOALS)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in NEED_MORE])
def test_each_kind_writes_a_picture(command, study, tmp_path, kind):
    file = tmp_path / "picture.png"
    code, out, err = command("plot", study, "--kind", kind, "--output", file, "--dpi", 40)
    assert (code, err) == (0, "")
    assert out.strip() == str(file)
    with Image.open(file) as image:
        assert image.format == "PNG"


def test_studies_are_compared_by_regret_as_vectors(command, study, tmp_path):
    file = tmp_path / "regret.svg"
    assert command("plot", study, study.parent / "study", "-k", "regret", "--optimum", "-0.1", "-o", file)[0] == 0
    assert "<svg" in file.read_text()


def test_the_animation_is_a_gif(command, study, tmp_path):
    code, _, err = command("plot", study, "-k", "animation", "-o", tmp_path / "x.png")
    assert (code, "GIF" in err) == (1, True)
    assert command("plot", study, "-k", "animation", "-o", tmp_path / "x.gif")[0] == 0
    with Image.open(tmp_path / "x.gif") as image:
        assert image.n_frames > 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-k", "regret"], "--optimum"),
        (["-k", "dependence", "-d", "rate"], "x0, x1"),
        (
            ["-o", "no/such/folder.png"],
            "'no/such/folder.png' cannot be written: there is no folder 'no/such'; create it",
        ),
        (["-o", "no/such/folder"], "there is no folder 'no/such'"),
        (["-o", "."], "the picture '.' cannot be written: it is a folder; name a file in it"),
        (["-o", "picture.xyz"], "the name of a picture must end in one of"),
        (["-k", "animation", "-o", "no/a.gif"], "the picture 'no/a.gif' cannot be written: there is no folder 'no'"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(command, study, arguments, told):
    code, out, err = command("plot", study, *arguments)
    assert (code, out) == (1, "")
    assert told in err
    assert len(err.splitlines()) == 1


def test_several_studies_have_one_picture_only_where_they_are_compared(command, study):
    code, _, err = command("plot", study, study, "-k", "gantt")
    assert code == 1
    assert "2 folders" in err


def test_a_name_without_an_ending_gets_one(command, study, tmp_path):
    assert command("plot", study, "-o", tmp_path / "picture", "--dpi", 40)[1].strip() == str(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as image:
        assert image.format == "PNG"
    assert command("plot", study, "-k", "animation", "-o", tmp_path / "moving")[1].strip() == str(tmp_path / "moving.gif")


def test_a_picture_that_cannot_be_drawn_leaves_the_old_file_as_it_is(command, study, tmp_path):
    file = tmp_path / "picture.png"
    file.write_text("old")
    assert command("plot", study, "-k", "dependence", "-d", "rate", "-o", file)[0] == 1
    assert file.read_text() == "old"


def test_the_command_writes_it(command, study, tmp_path):
    code, out, err = command("report", study, "--output", tmp_path / "r.html")
    assert (code, out.strip(), err) == (0, str(tmp_path / "r.html"), "")
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")
    code, out, err = command("report", study, "--output", tmp_path / "no" / "r.html")
    assert (code, out) == (1, "")
    assert err.startswith(
        f"hyperspace: the report '{tmp_path}/no/r.html' cannot be written: there is no folder '{tmp_path}/no'; "
    )
