"""How far a study is, read from its files."""

import json

import pytest

from hyperspace import hyperdrive
from hyperspace.errors import StudyError
from hyperspace.results.state import StudyState, study_state


def objective(x):
    if x[0] < 0.2:
        raise RuntimeError("too small")
    return x[0]


def test_a_study_is_complete_when_all_that_was_planned_has_ended(tmp_path):
    call = {"objective": objective, "hyperparameters": [(0.0, 1.0)], "results_path": tmp_path, "model": "RAND"}
    trials = hyperdrive(**call, n_calls=11, x0=[[0.5]], y0=[0.5]).trials
    failed = int((trials["status"] == "failed").sum())
    assert failed > 0
    assert study_state(tmp_path) == StudyState(planned=11, finished=11, failed=failed, pruned=0, running=0)
    assert study_state(tmp_path).complete
    hyperdrive(**call, n_calls=20, x0=[[0.5]], y0=[0.5], callback=lambda trial: True)
    state = study_state(tmp_path)
    assert (state.planned, state.finished, state.complete) == (20, 12, False)


def test_an_evaluation_that_was_interrupted_counts_as_running(tmp_path):
    class Killed(KeyboardInterrupt):
        pass

    def dies(x):
        raise Killed

    with pytest.raises(Killed):
        hyperdrive(dies, [(0.0, 1.0)], tmp_path, n_calls=4)
    assert study_state(tmp_path) == StudyState(planned=4, finished=0, failed=0, pruned=0, running=1)


def test_a_folder_without_a_study_or_with_a_damaged_one_is_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        study_state(tmp_path)
    hyperdrive(objective, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=2)
    record = json.loads((tmp_path / "study.json").read_text())
    del record["planned"]
    (tmp_path / "study.json").write_text(json.dumps(record))
    with pytest.raises(StudyError, match=r"study\.json is damaged"):
        study_state(tmp_path)
