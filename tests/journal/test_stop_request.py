import os
import re

import pytest

from hyperspace import hyperdrive
from hyperspace.errors import StudyError
from hyperspace.journal import StudyFolder
from hyperspace.journal.stop_request import (
    FOLDER_GONE,
    StopRequest,
    forget_request,
    mark_of,
    recorded_request,
    request_stop,
    write_request,
)


def test_the_file_is_looked_for_once_a_second_and_an_old_one_does_not_count(tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_calls=2)
    file, now = StudyFolder(tmp_path).stop_file, [0.0]
    request_stop(tmp_path)
    request = StopRequest(file, mark_of(file), clock=lambda: now[0])
    assert request.reason is None
    request_stop(tmp_path)
    assert request.reason is None
    now[0] = 0.9
    assert request.reason is None
    now[0] = 1.0
    assert request.reason == "hyperspace stop"
    assert StopRequest(file).reason == "hyperspace stop"
    file.unlink()
    assert request.reason == "hyperspace stop"


def test_a_run_that_shares_the_study_with_others_leaves_their_request(tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_calls=2)
    request_stop(tmp_path)
    folder = StudyFolder(tmp_path)
    assert forget_request(folder, alone=False) == mark_of(folder.stop_file)
    assert folder.stop_file.exists()
    assert forget_request(folder, alone=True) is None
    assert not folder.stop_file.exists()


def test_a_request_needs_a_study(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        request_stop(tmp_path)


def test_a_folder_that_is_gone_ends_the_study(tmp_path):
    file, now = tmp_path / "study.json", [0.0]
    request = StopRequest(tmp_path / "stop", None, clock=lambda: now[0], needed=file)
    seen = []
    for there in (True, False, True, False, False):
        file.touch() if there else file.unlink(missing_ok=True)
        now[0] += 1.0
        seen.append(request.reason)
    assert seen == [None, None, None, None, FOLDER_GONE]


def test_without_files_a_signal_alone_ends_a_study():
    received = []
    request = StopRequest(None, received=lambda: received[0] if received else None)
    assert request.reason is None
    received.append("SIGTERM")
    assert request.reason == "SIGTERM"


def test_a_signal_counts_before_a_file_and_needs_no_look_at_it(tmp_path):
    received, now = [None], [0.0]
    request = StopRequest(tmp_path / "stop", clock=lambda: now[0], received=lambda: received[0])
    (tmp_path / "stop").write_text("the budget: process 1\n")
    assert request.reason == "the budget"
    received[0] = "SIGUSR1"
    assert request.reason == "SIGUSR1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"the deadline: process 3 on node7, noon\n", "the deadline"),
        (b"we need the nodes", "we need the nodes"),
        (b"", "the file stop"),
        (b" : process 3", "the file stop"),
        (b"w" * 100, "w" * 40),
        (b"caf\xe9: process 3", "caf\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_reason_is_the_text_up_to_the_colon_also_in_a_file_made_by_hand(tmp_path, content, reason):
    (tmp_path / "stop").write_bytes(content)
    assert StopRequest(tmp_path / "stop").reason == reason


def test_whatever_has_the_name_of_the_file_ends_a_study(tmp_path):
    (tmp_path / "stop").mkdir()
    assert StopRequest(tmp_path / "stop").reason == "the file stop"


def test_an_outage_of_the_file_server_is_no_loss_of_the_folder(tmp_path, monkeypatch):
    now, stat = [0.0], os.stat
    request = StopRequest(tmp_path / "stop", clock=lambda: now[0], needed=tmp_path / "study.json")

    def fails(path, **options):
        raise OSError(116, "Stale file handle")

    seen = []
    for look in (stat, fails, fails, fails, stat):  # the file is missing in the first and in the last one
        monkeypatch.setattr(os, "stat", look)
        seen.append(request.reason)
        now[0] += 1.0
    monkeypatch.setattr(os, "stat", stat)
    assert seen == [None, None, None, None, FOLDER_GONE]


def test_a_folder_whose_parent_has_become_a_file_is_gone(tmp_path):
    now = [0.0]
    (tmp_path / "study").touch()
    request = StopRequest(tmp_path / "study" / "stop", clock=lambda: now[0], needed=tmp_path / "study" / "study.json")
    assert request.reason is None
    now[0] += 1.0
    assert request.reason == FOLDER_GONE


def test_a_mark_tells_a_file_from_its_successor(tmp_path):
    folder = StudyFolder(tmp_path)
    assert mark_of(folder.stop_file) is None
    write_request(folder, "the callback")
    first = mark_of(folder.stop_file)
    assert first == mark_of(folder.stop_file)
    write_request(folder, "the callback")
    os.utime(folder.stop_file, ns=(first[0], first[0]))  # on a file system that counts whole seconds
    assert mark_of(folder.stop_file) != first


def test_a_recorded_request_has_a_reason_and_a_time(tmp_path):
    folder = StudyFolder(tmp_path)
    assert recorded_request(folder) is None
    write_request(folder, "the callback")
    os.utime(folder.stop_file, (5.0, 7.5))
    assert recorded_request(folder) == ("the callback", 7.5)
    assert re.fullmatch(rf"the callback: process {os.getpid()} on {os.uname().nodename}, .*\n", folder.stop_file.read_text())


def test_a_study_without_a_request_has_none_to_forget(tmp_path):
    assert forget_request(StudyFolder(tmp_path), alone=True) is None
    assert forget_request(StudyFolder(tmp_path), alone=False) is None


def test_a_file_that_can_be_neither_removed_nor_written_is_named(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.write_study({"format": 1})
    folder.stop_file.mkdir()
    with pytest.raises(StudyError, match=r"stop cannot be removed: "):
        forget_request(folder, alone=True)
    with pytest.raises(StudyError, match=r"stop cannot be written: "):
        request_stop(tmp_path)


def test_a_file_is_not_the_folder_of_a_study(tmp_path):
    (tmp_path / "study").touch()
    with pytest.raises(StudyError, match="study is a file, not the folder of a study"):
        request_stop(tmp_path / "study")
