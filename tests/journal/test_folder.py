"""Files of a study: how they are read, and set aside, wherever the folder is."""

import os

import pytest
from journals import SPACE

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.journal import StudyFolder


def study(path, n_calls=3, **options):
    return hyperdrive(lambda x: x[0], [(0.0, 1.0)], path, n_calls=n_calls, model="RAND", **options)


def test_a_folder_is_renamed(tmp_path):
    study(tmp_path / "s")
    assert study(tmp_path / "s", n_calls=4, restart=True).nfev == 4
    assert load_results(tmp_path / "s.old-1").nfev == 3


def test_a_link_stays_a_link_to_the_same_place(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "s").symlink_to(tmp_path / "scratch")
    study(tmp_path / "s")
    assert study(tmp_path / "s", n_calls=4, restart=True).nfev == 4
    assert (tmp_path / "s").is_symlink()
    assert load_results(tmp_path / "scratch").nfev == 4
    assert load_results(tmp_path / "scratch.old-1").nfev == 3


def test_the_working_folder_keeps_the_users_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").touch()
    study(".")
    assert study(".", n_calls=4, restart=True).nfev == 4
    assert (tmp_path / "train.py").exists()
    assert load_results("old-1").nfev == 3


def test_files_that_are_not_the_studys_stay_where_they_are(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").touch()
    assert study(tmp_path / "s", restart=True).nfev == 3  # no study yet: nothing to set aside
    for number in (1, 2):
        assert study(tmp_path / "s", n_calls=4, restart=True).nfev == 4
        assert load_results(tmp_path / "s" / f"old-{number}").nfev == 2 + number
    assert (tmp_path / "s" / "notes.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_another_programs_study_json_is_not_moved(tmp_path):
    (tmp_path / "study.json").write_text('{"subjects": 12}')
    with pytest.raises(StudyError, match="no file of a HyperSpace study"):
        study(tmp_path, restart=True)
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_of_a_folder_that_cannot_be_renamed_the_content_is_moved(tmp_path, monkeypatch):
    study(tmp_path / "mount")
    rename = type(tmp_path).rename

    def refuse(self, target):
        if self == tmp_path / "mount":
            raise OSError(16, os.strerror(16))
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", refuse)
    assert study(tmp_path / "mount", n_calls=4, restart=True).nfev == 4
    assert load_results(tmp_path / "mount" / "old-1").nfev == 3


def test_the_goal_of_a_study_that_is_set_aside_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the working folder stays where it is, and its content is moved
    call = {"hyperparameters": [(0.0, 1.0)], "results_path": tmp_path, "n_calls": 2}
    hyperdrive(lambda x: {"error": x[0]}, **call)
    result = hyperdrive(lambda x: {"cost": x[0]}, **call, restart=True)
    assert result.metrics.keys() == {"cost"}
    assert load_results(tmp_path / "old-1").metrics.keys() == {"error"}


def test_what_cannot_be_moved_is_one_sentence(tmp_path, monkeypatch):
    study(tmp_path)

    def refuse(self, target):
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr(type(tmp_path), "rename", refuse)
    with pytest.raises(StudyError, match="cannot be set aside: Read-only"):
        StudyFolder(tmp_path).set_aside()


@pytest.mark.parametrize("kind", ["directory", "fifo", "dangling link", "unreadable"])
@pytest.mark.parametrize("name", ["study.json", "journals/00003.jsonl"])
def test_what_is_no_file_is_an_error_and_no_wait(tmp_path, monkeypatch, kind, name):
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    path = tmp_path / name
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    else:
        path.write_text("?")

        def refuse(*arguments, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    if kind == "dangling link":  # as if it were not there
        assert folder.read_study() is None
        return
    read = folder.read_study if name == "study.json" else lambda: folder.read_journals(SPACE, [3])
    with pytest.raises(StudyError, match=f"{path.name} cannot be read"):
        read()


def test_a_folder_is_set_aside_and_never_lost(tmp_path):
    folder = StudyFolder(tmp_path / "study")
    for number in (1, 2):
        folder.write_study({"format": 1, "number": number})
        assert folder.set_aside() == tmp_path / f"study.old-{number}"
    assert StudyFolder(tmp_path / "study.old-1").read_study()["number"] == 1
    assert folder.read_study() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', "\xff"])
def test_a_damaged_study_file_is_named(tmp_path, text):
    folder = StudyFolder(tmp_path)
    folder.study_file.write_text(text)
    with pytest.raises(StudyError, match=r"study\.json"):
        folder.read_study()


@pytest.mark.parametrize("has_links", [True, False])
def test_of_several_creators_of_a_study_one_is_first(tmp_path, monkeypatch, has_links):
    if not has_links:

        def refuse(source, target):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    folder = StudyFolder(tmp_path / "study")
    assert folder.write_study({"format": 1, "by": "a"}, create=True)
    assert not folder.write_study({"format": 1, "by": "b"}, create=True)
    assert folder.read_study()["by"] == "a"
    assert [file.name for file in sorted(folder.path.iterdir())] == ["journals", "study.json"]
