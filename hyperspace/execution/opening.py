"""Opening or creation of a study, with a lock against other processes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import numpy
import scipy

import hyperspace
from hyperspace.errors import InputError, StudyError
from hyperspace.exchange.files import expected_workers
from hyperspace.exchange.ranks import Ranks
from hyperspace.execution.warm_start import take_over
from hyperspace.journal import FORMAT, Claim, Leases, StudyFolder, join_study, take_study
from hyperspace.journal.lease import STUDY
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.planning import plan_study
from hyperspace.study.same_call import check_alike
from hyperspace.study.settings import StudySettings, check_same
from hyperspace.system.terminal import tell
from hyperspace.trials.records import Record


@dataclass(frozen=True, slots=True)
class Opened:
    """Study that this run may work on.

    Attributes:
        study: its settings.
        claim: the lease under which all ranks of the run write; None for a study without files and for a worker.
        worker: name of the lease of a worker; None for a run of all drives.
    """

    study: StudySettings
    claim: Claim | None = None
    worker: str | None = None


def open_study(
    arguments: StudyArguments, ranks: Ranks, folder: StudyFolder | None, leases: Leases | None, restart: bool
) -> Opened:
    """Return the recorded study, or a new one. Collective.

    Args:
        arguments: arguments of hyperdrive.
        ranks: the ranks of this run.
        folder: the study's files; None if it keeps none.
        leases: leases of the folder; rank 0 takes the study's. None if it keeps no files.
        restart: whether to set the folder aside first.

    Raises:
        InputError: an invalid argument.
        StudyError: the folder holds another study, is damaged, cannot be written, or another process works on it.
    """
    if arguments.exchange is not None and arguments.exchange.has_workers:
        return _join(arguments, folder, leases, restart)
    opened = ranks.first(lambda: _look_around(arguments, folder, restart))
    recorded, now = _fingerprint(opened["recorded"]), _drives_now(opened["recorded"])
    study: StudySettings = ranks.each(lambda: plan_study(arguments, recorded, ranks.size, opened["seed"], opened["taken"], now))
    ranks.each(lambda: _check_recorded(recorded, study, folder))
    taken = ranks.first(lambda: _take(study, recorded, folder, leases, restart))
    ranks.each(lambda: check_alike(taken["fingerprint"], study.fingerprint()))
    if folder is None:
        return Opened(study)
    return Opened(study, Claim(folder.leases / taken["lease"], taken["text"]))


def _look_around(arguments: StudyArguments, folder: StudyFolder | None, restart: bool) -> Record:
    """Return, on rank 0, data for all ranks: the recorded study, a seed, and a new study's evaluations from other studies."""
    recorded = _look(folder, restart)
    if recorded is not None and arguments.warm_start and not recorded["fingerprint"].get("given"):
        tell("warm_start= is only read when a study is created; this one took nothing over")
    taken = take_over(arguments) if recorded is None else []
    return {"recorded": recorded, "seed": secrets.randbits(32), "taken": taken}


def _look(folder: StudyFolder | None, restart: bool) -> Record | None:
    """Return the content of study.json; None for a new study."""
    if folder is None:
        return None
    _check_folder(folder)
    if restart:
        folder.check_ours()
        return None
    return folder.read_study()


def _take(study: StudySettings, recorded: Any, folder: StudyFolder | None, leases: Leases | None, restart: bool) -> Record:
    """Take the study's lease and write study.json, on rank 0; return the fingerprint, and the lease for the other ranks."""
    if folder is None or leases is None:
        return {"fingerprint": study.fingerprint()}
    shareable = not study.strategy.in_generations  # their drives wait for each other
    claim = _claim(folder, leases, shareable)
    if restart and folder.study_file.exists():
        leases.release(STUDY)  # the lease is in the folder that is set aside
        folder.set_aside()
        claim = _claim(folder, leases, shareable)
    elif _fingerprint(now := folder.read_study()) != recorded or (_drives_now(now) or 0) > study.n_drives:
        raise StudyError(f"another run has created the study in {str(folder.path)!r} this moment; start again to join it")
    folder.write_study(study_record(study))
    return {"fingerprint": study.fingerprint(), "lease": claim.path.name, "text": claim.text}


def _claim(folder: StudyFolder, leases: Leases, shareable: bool) -> Claim:
    """Take the study's lease with a number without written journals."""
    while True:
        claim = take_study(leases, folder.path, folder.next_attempt(), shareable)
        if claim.attempt >= folder.next_attempt():
            return claim
        leases.release(STUDY)  # another run has written since the folder was listed


def _join(arguments: StudyArguments, folder: StudyFolder | None, leases: Leases | None, restart: bool) -> Opened:
    """Return the study that this worker joins or creates."""
    if folder is None or leases is None:
        raise InputError('exchange="files" shares through the study\'s files; it needs a results_path and checkpoints=True')
    if restart:
        raise InputError(
            f'restart=True would set aside what other workers of exchange="files" are writing; rename {folder.path} before you '
            f"start the workers"
        )
    _check_folder(folder)
    record = folder.read_study()
    recorded = _fingerprint(record)
    seed = secrets.randbits(32)
    taken = take_over(arguments) if recorded is None else []
    # Before any file is written.
    study = plan_study(arguments, recorded, expected_workers(), seed, taken, _drives_now(record))
    _check_recorded(recorded, study, folder)
    worker = join_study(leases, folder.path)
    while True:
        record = folder.read_study()
        recorded = _fingerprint(record)
        study = plan_study(arguments, recorded, expected_workers(), seed, taken, _drives_now(record))
        _check_recorded(recorded, study, folder)
        if record is None:
            if folder.write_study(study_record(study), create=True):
                return Opened(study, worker=worker)
        else:
            if record["planned"] != study.planned or record["exchange"] != study.exchange.name:
                folder.write_study(study_record(study))
            return Opened(study, worker=worker)


def _check_folder(folder: StudyFolder) -> None:
    if folder.path.exists() and not folder.path.is_dir():
        raise StudyError(f"results_path must be a folder, and {str(folder.path)!r} is a file; take another name")


def _fingerprint(record: Record | None) -> Any:
    return None if record is None else record.get("fingerprint")


def _drives_now(record: Record | None) -> int | None:
    """Return the number of drives of a study; None if it has not changed since its creation."""
    return None if record is None else record.get("n_drives")


def _check_recorded(recorded: Any, study: StudySettings, folder: StudyFolder | None) -> None:
    if recorded is not None and folder is not None:
        check_same(recorded, study.fingerprint(), folder.name)


def study_record(study: StudySettings) -> Record:
    """Return the content of study.json for a study."""
    return {
        "format": FORMAT,
        "fingerprint": study.fingerprint(),
        "planned": study.planned,
        "exchange": study.exchange.name,
        **({"n_drives": study.n_drives} if study.n_drives > study.founders else {}),
        "versions": {library.__name__: library.__version__ for library in (hyperspace, numpy, scipy)},
    }
