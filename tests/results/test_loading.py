"""Studies that are read from their folder, and folders that are none."""

import math

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError


def test_a_folder_without_a_study_is_named(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        load_results(tmp_path)


def test_the_pickles_of_the_original_are_not_opened(tmp_path):
    for name in ("hyperspace00", "hyperspace01"):
        (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")  # what a hostile pickle looks like
    with pytest.raises(StudyError, match=r"original HyperSpace \(hyperspace00, .*pickle.*skopt.load"):
        load_results(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"hyperspace00", "hyperspace01"}


def test_a_study_file_of_nonsense_is_an_error(tmp_path):
    (tmp_path / "study.json").write_text('{"format": 1, "fingerprint": {"space": [{"kind": "cube"}]}}')
    with pytest.raises(StudyError, match="damaged"):
        load_results(tmp_path)


def test_categories_that_json_lacks_come_back_by_name(tmp_path):
    hyperdrive(lambda x: float(x[0](-1)), [[abs, math.exp]], tmp_path, n_iterations=2)
    again = load_results(tmp_path)
    assert [str(x[0]) for x in again.x_iters]
    assert str(again.x[0]) == "math.exp"
