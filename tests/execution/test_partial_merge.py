"""The merge of the ranks that answer: whose record of a trial counts, and what of a silent rank is known."""

import json

from studies import asked, context, ended, planned

from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution.opening import study_record
from hyperspace.execution.partial_merge import merge_without_silent
from hyperspace.execution.round_loop import RoundLoop
from hyperspace.journal import StudyFolder, open_journal
from hyperspace.trials.records import trial_record

STUDY = planned(n_drives=3, n_subspaces=1, exchange="round")


class Answering(SerialRanks):
    """Rank 0 of three ranks: rank 1 answers, and rank 2 is silent."""

    def __init__(self, answer):
        super().__init__()
        self._answer = answer

    def merge_answers(self, records, conclude):
        return json.loads(json.dumps(conclude({0: records, 1: self._answer}))), ["rank 2 on node7"]


def merged(known, answer, folder=None, ended_by="the deadline"):
    loop = RoundLoop(STUDY, context(STUDY))
    loop.finished = {trial.key: trial for trial in known}
    loop.ended_by = ended_by
    return merge_without_silent(Answering(answer), STUDY, folder, [0], loop)


def records(*trials):
    return [trial_record(trial, STUDY.space) for trial in trials]


def test_a_trial_is_read_from_the_rank_that_made_it():
    here, there = ended(0, 0, rank=0, host="node0"), ended(1, 0, rank=1, host="node1")
    heard = [ended(0, 0), ended(1, 0)]  # as other ranks have heard of them: without rank and host
    answer = {"own": records(there), "heard": records(heard[0]), "reason": None}
    trials, reasons, silent = merged([here, heard[1]], answer)
    assert sorted((trial.drive, trial.host) for trial in trials) == [(0, "node0"), (1, "node1")]
    assert (reasons, silent) == (["the deadline", None], ["rank 2 on node7"])


def test_what_a_silent_rank_had_shared_is_not_lost_and_comes_once():
    shared, more = ended(2, 0), ended(2, 1)
    answer = {"own": [], "heard": records(shared, more), "reason": "SIGTERM"}
    trials, reasons, _ = merged([ended(0, 0), shared], answer)
    assert asked(sorted(trials, key=lambda trial: trial.key)) == asked([ended(0, 0), shared, more])
    assert reasons == ["the deadline", "SIGTERM"]


def test_a_rank_without_an_answer_says_nothing():
    trials, reasons, _ = merged([ended(0, 0)], None)
    assert (asked(trials), reasons) == (asked([ended(0, 0)]), ["the deadline"])


def test_with_files_the_journals_say_what_all_ranks_have_made(tmp_path):
    folder = StudyFolder(tmp_path / "study")
    folder.write_study(study_record(STUDY))
    for drive in (0, 2):  # rank 2 is silent, and what it has written counts
        journal = open_journal(folder, STUDY.identity, drive, STUDY.space, None, 0, lambda: None)
        trial = ended(drive, 0)
        journal.started(trial)
        journal.finished(trial)
        journal.close()
    trials, _, silent = merged([ended(0, 0)], {"own": [], "heard": [], "reason": None}, folder)
    assert asked(trials) == asked([ended(0, 0), ended(2, 0)])
    assert silent == ["rank 2 on node7"]
