"""Points of `hyperspace run --x0`: in words, and in files."""

import pytest
from command_lines import QUICK

from hyperspace import load_results
from hyperspace.cli.points import read_points
from hyperspace.errors import InputError
from hyperspace.space import check_space


def test_points_to_evaluate_first_in_words_and_in_files(run, folder):
    (folder / "points.csv").write_text("loss,kind,x\n0.5,bad,0.25\n,good,0.75\n")
    (folder / "points.json").write_text('[{"x": 0.375, "kind": "good", "seconds": 3}, {"kind": "bad", "x": 1}]')
    words = ["--x0", "x=0.125,kind=bad", "--x0", "points.csv", "--x0", "points.json"]
    code, _, err = run("train.py:objective", *QUICK, *words)
    assert (code, err) == (0, "")
    first = [trial for trial in load_results(folder / "results").all_trials if trial.arm == "x0"]
    names = load_results(folder / "results").names
    points = [dict(zip(names, trial.x, strict=True)) for trial in first]
    assert [(point["x"], point["kind"]) for point in points] == [
        (0.125, "bad"),
        (0.25, "bad"),
        (0.75, "good"),
        (0.375, "good"),
        (1.0, "bad"),
    ]


@pytest.mark.parametrize(
    ("x0", "told"),
    [
        ("x", '--x0 takes a .csv or .json file, or a point such as "x=...'),
        ("x=0.5", "must have the parameters"),
        ("x=7,kind=good", "--x0 x=7,kind=good: dimension"),
        ("x=0.5,kind=c", "'c'"),
        ("nothing.csv", "nothing.csv cannot be read: No such file"),
        ("space.json", "space.json is no JSON"),
        ("empty.csv", "has no points"),
        ("short.csv", "short.csv has no column 'kind'"),
        ("far.csv", "far.csv, point 2: dimension"),
    ],
)
def test_points_that_are_none_are_one_sentence(run, folder, x0, told):
    files = {"space.json": "x", "empty.csv": "x,kind\n", "short.csv": "x\n1\n", "far.csv": "x,kind\n0.5,good\n70,good\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    code, out, err = run("train.py:objective", *QUICK, "--x0", x0)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert told in err
    assert not (folder / "results").exists()


SPACE = check_space({"x": (0.0, 1.0), "n": (1, 9), "kind": ["1", 2, "c"], "fixed": 3})


def test_no_words_are_no_points():
    assert read_points([], SPACE).points is None


def test_a_point_in_words_has_values_of_the_dimensions_kinds():
    assert read_points(["x=0.5,n=4,kind=1", " x = 1e-1 , n=2, kind=2 , fixed=3"], SPACE).points == [(0.5, 4, "1"), (0.1, 2, 2)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x=0.5,n=4,kind=b", "--x0 x=0.5,n=4,kind=b: .*'b'"),
        ("x=0.5,n=4.5,kind=c", "4.5"),
        ("x=half,n=4,kind=c", "'half'"),
        ("x=0.5,n=4,kind=c,m=1", "must have the parameters"),
        ("x=0.5,n=4,kind=c,fixed=4", "fixed"),
        ("x=0.5,,n=4", 'a point such as "x=...,n=...,kind=..."; got'),
        ("=0.5", "a point such as"),
    ],
)
def test_a_mistake_in_words_names_the_word(text, told):
    with pytest.raises(InputError, match=told):
        read_points([text], SPACE)


def test_a_file_may_have_other_columns_and_lack_constants(tmp_path):
    (tmp_path / "a.csv").write_text("\ufeffloss,n,x,kind\n9,1,0.25,1\n\n", encoding="utf-8")
    (tmp_path / "b.JSON").write_text('{"x": 0.5, "n": 2, "kind": "c", "note": null}')
    (tmp_path / "c.json").write_text('[[0.75, 3, 2], {"x": 1, "n": 4, "kind": "1", "fixed": 3}]')
    (tmp_path / "d.json").write_text("[0.125, 5, 2]")
    found = read_points([str(tmp_path / name) for name in ("a.csv", "b.JSON", "c.json", "d.json")], SPACE).points
    assert found == [(0.25, 1, "1"), (0.5, 2, "c"), (0.75, 3, 2), (1.0, 4, "1"), (0.125, 5, 2)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "x,n\n1,2\n", "a.csv has no column 'kind'; its columns are 'x', 'n'"),
        ("a.csv", "", "a.csv has no points"),
        ("a.csv", "x,n,kind,fixed\n0.5,1,1,4\n", "a.csv, point 1: .*fixed"),
        ("a.csv", "x,n,kind\n0.5,1,1\n0.5,1\n", "a.csv, point 2: "),
        ("a.json", "[]", "a.json has no points"),
        ("a.json", '[{"x": 1', "a.json is no JSON: "),
        ("a.json", "[" * 100_000, "a.json is no JSON: "),
        ("a.json", '[{"x": 0.5, "n": 1}]', "a.json, point 1: "),
        ("a.json", "7", "a.json, point 1: "),
    ],
)
def test_a_mistake_in_a_file_names_the_file_and_the_point(tmp_path, name, content, told):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=told):
        read_points([str(tmp_path / name)], SPACE)


def test_a_file_that_is_no_text_is_one_sentence(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"--x0 .*a\.csv cannot be read: "):
        read_points([str(tmp_path / "a.csv")], SPACE)


def test_known_results_of_a_file_are_not_evaluated_again(run, folder):
    (folder / "points.csv").write_text("error,kind,x\n0.5,bad,0.25\n,good,0.75\nnan,good,0.8\n1D-3,good,0.3\n")
    (folder / "points.json").write_text('[{"x": 0.375, "kind": "good", "error": 3}]')
    words = ["--x0", "points.csv", "--x0", "points.json", "--x0", "x=0.125,kind=bad,error=0.25", "--y0", "error"]
    code, out, err = run("train.py:objective", *QUICK, *words)
    assert (code, err) == (0, "hyperspace: --x0 points.csv: 3 of 4 points have no number in 'error' and are left out\n")
    assert "6 evaluations planned" in out
    trials = load_results(folder / "results").trials
    given = trials[trials["origin"] == "given"]
    assert given[["x", "kind", "metric.error"]].values.tolist() == [
        [0.25, "bad", 0.5],
        [0.375, "good", 3.0],
        [0.125, "bad", 0.25],
    ]
    assert (trials["origin"] == "asked").sum() == 6
    assert trials["metric.error"].notna().all()  # a plain number is the goal's


def test_known_results_may_have_several_metrics(run, folder):
    run("train.py:several", *QUICK, "--goal", "accuracy", "--maximize", "--limit", "error<=1", "--results", "old")
    old = load_results(folder / "old").trials
    (folder / "old.csv").write_text(old.drop(columns="error").rename(columns={"metric.error": "error"}).to_csv(index=False))
    words = ["--x0", "old.csv", "--y0", "accuracy", "--y0", "error", "--goal", "accuracy", "--maximize", "--limit", "error<=1"]
    assert run("train.py:several", *QUICK, *words, "--results", "new")[0] == 0
    new = load_results(folder / "new").trials
    assert (
        new[new["origin"] == "given"][["accuracy", "metric.error"]].values.tolist()
        == old[["accuracy", "metric.error"]].values.tolist()
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--y0", "error"], "give --x0, too"),
        (["--x0", "points.csv", "--y0", "loss"], "has no column 'loss'; its columns are 'x', 'kind', 'error'"),
        (["--x0", "points.csv", "--y0", "x"], "--y0 x is a parameter"),
        (["--x0", "points.csv", "--y0", "x", "--goal", "accuracy"], "--y0 has no 'accuracy', which --goal or --limit names"),
        (["--x0", "points.csv", "--y0", "error"], "none of the points of --x0 has a number in 'error' (--y0)"),
        (["--x0", "list.json", "--y0", "error"], "list.json, point 1: it has no names, of which --y0 could be one"),
        (["--x0", "x=0.5,kind=good", "--y0", "error"], "it has no 'error', which --y0 names"),
    ],
)
def test_known_results_that_are_none_are_one_sentence(run, folder, words, told):
    (folder / "points.csv").write_text("x,kind,error\n0.5,good,\n")
    (folder / "list.json").write_text('[[0.5, "good"]]')
    code, out, err = run("train.py:objective", *QUICK, *words)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert told in err
    assert not (folder / "results").exists()
