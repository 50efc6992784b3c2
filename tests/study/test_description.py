"""What a study is, read back from its study.json."""

import pytest

from hyperspace import Metric, hyperdrive
from hyperspace.errors import StudyError
from hyperspace.journal import StudyFolder
from hyperspace.study.description import describe_study, split_label

SPACE = {"x": (0.0, 1.0), "n": (1, 9), "f": ["a", "b"], "k": 3}


def made(path, objective=lambda p: p["x"], **options):
    """Make a study of two evaluations, and return its description."""
    call = {"n_calls": 2, "n_drives": 2, "n_subspaces": 2, "model": "RAND", "exchange": "round"}
    hyperdrive(objective, SPACE, path, **call | options)
    return describe_study(StudyFolder(path))


def change(path, **changes):
    """Change the record of a study."""
    folder = StudyFolder(path)
    record = folder.read_study()
    fingerprint = {**record["fingerprint"], **changes.pop("fingerprint", {})}
    folder.write_study({**record, "fingerprint": fingerprint, **changes})
    return folder


def test_all_that_was_decided_comes_back(tmp_path):
    described = made(tmp_path, x0=[[0.5, 2, "a"]], y0=[1.0], overlap=0.5)
    assert described.space.names == ("x", "n", "f")
    assert described.space.constants == {"k": 3}
    assert described.space.named
    assert (described.partition.n_subspaces, described.partition.overlap) == (2, 0.5)
    assert [(trial.x, dict(trial.metrics)) for trial in described.given] == [((0.5, 2, "a"), {"objective": 1.0})]
    assert (described.planned, described.exchange, described.models) == (2, "round", ("RAND",))
    assert set(described.versions) >= {"hyperspace", "numpy"}
    assert described.identity in (tmp_path / "journals" / "00000.jsonl").read_text()


def test_the_goal_that_the_first_answer_fixed_comes_back(tmp_path):
    described = made(tmp_path, lambda p: {"error": p["x"]})
    assert described.metrics.goal == "error"
    assert described.metrics.loss({"error": 2.0}) == 2.0


def test_declared_metrics_and_the_sign_come_back(tmp_path):
    metrics = [Metric("gain", goal="maximize"), Metric("size", goal="constrain", upper=1.0)]
    described = made(tmp_path / "a", lambda p: {"gain": 1.0, "size": 0.5}, metrics=metrics)
    assert list(described.metrics.declared) == metrics
    assert described.metrics.sign == -1.0
    assert made(tmp_path / "b", maximize=True).metrics.sign == -1.0
    assert made(tmp_path / "c").metrics.sign == 1.0


def test_given_answers_fix_the_goal_where_no_other_has(tmp_path):
    described = made(tmp_path, lambda p: {"error": 1.0}, x0=[[0.5, 2, "a"]], y0=[{"error": 2.0}])
    (tmp_path / "goal.json").unlink(missing_ok=True)
    assert describe_study(StudyFolder(tmp_path)).metrics.goal == described.metrics.goal == "error"


def test_several_models_are_told_apart(tmp_path):
    assert made(tmp_path, model=["RAND", "SA"], strategy="static").models == ("RAND", "SA")


def test_how_far_the_last_run_was_to_go_comes_back(tmp_path):
    made(tmp_path)
    assert made(tmp_path, n_calls=5).planned == 5


def test_an_empty_folder_holds_no_study(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(StudyError, match=r"holds no study \(there is no study\.json in it\)"):
            describe_study(StudyFolder(folder))


def test_results_of_the_original_hyperspace_are_named_and_not_opened(tmp_path):
    for name in ("hyperspace00", "hyperspace01", "notes.txt"):
        (tmp_path / name).write_bytes(b"cos\nsystem\n(S'echo opened'\ntR.")
    with pytest.raises(StudyError, match=r"original HyperSpace \(hyperspace00, \.\.\.\).*a pickle runs code.*skopt\.load"):
        describe_study(StudyFolder(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": {"space": [{"name": "x", "kind": "graph"}]}},
        {"fingerprint": {"space": 5}},
        {"fingerprint": {"metrics": [{"name": ""}]}},
        {"fingerprint": {"metrics": [{"title": "a"}]}},
        {"fingerprint": {"given": [{"x": [0.5]}]}},
        {"fingerprint": {"n_subspaces": 3}},
        {"fingerprint": {"overlap": 2.0}},
        {"planned": "many"},
        {"planned": None},
        {"versions": 3},
    ],
)
def test_a_damaged_record_is_one_sentence_that_names_the_file(tmp_path, changes):
    made(tmp_path)
    folder = change(tmp_path, **changes)
    with pytest.raises(StudyError, match=r"study\.json is damaged: "):
        describe_study(folder)


@pytest.mark.parametrize("missing", ["planned", "exchange", "versions", "fingerprint"])
def test_a_record_that_lacks_something_is_damaged(tmp_path, missing):
    made(tmp_path)
    folder = StudyFolder(tmp_path)
    record = folder.read_study()
    folder.write_study({name: value for name, value in record.items() if name != missing})
    with pytest.raises(StudyError, match="damaged"):
        describe_study(folder)


def test_a_label_names_the_models_that_drives_take_in_turn():
    assert split_label("GP") == ("GP",)
    assert split_label("GP, PSO(neighborhood_size=5, w=[1, 2]), RF") == ("GP", "PSO(neighborhood_size=5, w=[1, 2])", "RF")


@pytest.mark.parametrize("label", ["GP", "A(b=(1, 2), c={3, 4})", "A(b='x,y')"])
def test_commas_within_brackets_part_nothing(label):
    assert split_label(f"{label}, RF") == (label, "RF")
