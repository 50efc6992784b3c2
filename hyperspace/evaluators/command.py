"""Programs as objectives: each trial runs a command once, with the parameters on its command line."""

from __future__ import annotations

import os
import shutil
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.evaluators.base import Parameters
from hyperspace.evaluators.command_words import (
    SCRIPTS,
    as_written,
    file_of,
    missing_script,
    not_found,
    split_line,
    with_absolute_file,
)
from hyperspace.evaluators.printed import compile_patterns, find_metrics
from hyperspace.evaluators.templates import Template, remove_old, write_new
from hyperspace.evaluators.trial_output import read_end
from hyperspace.space.space import Space
from hyperspace.system.arguments import check_names
from hyperspace.system.paths import working_folder
from hyperspace.trials.metrics import Metrics

_TRIAL = ("id", "seed", "attempt", "folder", "budget")
READ = 1 << 20  # bytes at the end of the standard output that are searched for metrics
_Piece = tuple[str, str | None, str]  # text, then the name of the following value, and its format


@check_names()
class Command:
    """Command line with placeholders for the parameters; `hyperdrive` accepts it as an objective.

    Args:
        line: the command line. It is split into words as by a shell, and run without one. In a word, {name} is the value of the
            parameter `name`, and {name:.3f} its value in that format. Values of the trial are {trial.id}, {trial.seed},
            {trial.attempt}, {trial.folder} and {trial.budget}. Braces are written as {{ and }}.
        pattern: a regular expression; its last match in the standard output gives the value as its first group. A named group
            gives the metric with that name, at its last match. A list of expressions with named groups is also possible. None:
            the last line that is a JSON number or object gives the value.
        templates: text files with placeholders {name} or {name:.3f}. They are filled in and written to the trial's folder, with
            their own names. Other braces are unchanged. The command has to run inside that folder, or contain {trial.folder}.
        in_folder: run the program inside the trial's folder. Words that name a file in the folder of this object's creation
            become absolute. So do words with a slash and a placeholder. Names of templates and of the metrics file do not.
        metrics_file: name of the file in the trial's folder with the program's results: JSON, or text that is searched for
            `pattern`. None: the standard output is searched. As with templates, the command must use that folder.

    Raises:
        InputError: no words, unbalanced quotes or braces, shell operators, an invalid regular expression, an unreadable
            template, or files in the trial's folder that the command does not use.
    """

    def __init__(
        self,
        line: str,
        pattern: str | Sequence[str] | None = None,
        templates: Sequence[str | os.PathLike[str]] = (),
        in_folder: bool = False,
        metrics_file: str | None = None,
    ) -> None:
        try:
            words = split_line(line)
            self._words = [[_piece(*part) for part in string.Formatter().parse(word)] for word in words]
        except InputError:
            raise
        except ValueError as error:
            raise InputError(
                f"the command {as_written(line)} cannot be split into words: {error}; a brace is written twice"
            ) from None
        if not words:
            raise InputError("the command is empty; expected a program and its arguments, such as python sim.py --x {x}")
        self._patterns = compile_patterns(pattern)
        if metrics_file is not None:
            metrics_file = metrics_file.removeprefix("{trial.folder}/")
            if not metrics_file or Path(metrics_file).name != metrics_file:
                raise InputError(f"the metrics file is a name in the trial's folder, such as out.json, got {metrics_file!r}")
        self.templates = [Template(file) for file in templates]
        names = [*(template.name for template in self.templates), "stdout.txt", "stderr.txt"]
        names += [] if metrics_file is None else [metrics_file]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(f"the trial's folder would have two files of the name {', '.join(sorted(twice))}; rename one")
        self.in_folder = in_folder
        self.metrics_file = metrics_file
        self.line = line
        self.name = self.__qualname__ = line  # in the study
        self._own_files = frozenset(names)
        self._origin = working_folder() or os.sep  # a removed folder has no files
        self._check_use_of_folder()
        if in_folder:
            for position, word in enumerate(self._words):
                if all(name is None for _, name, _ in word):
                    text = "".join(text for text, _, _ in word)
                    self._words[position] = [(self._with_absolute_file(text, position), None, "")]

    def _check_use_of_folder(self) -> None:
        """Check that the command reads and writes its files in the trial's folder."""
        for word in self._words:
            self._check_no_template(file_of("".join(text for text, _, _ in word)))
        if self.in_folder or any(name == "trial.folder" for word in self._words for _, name, _ in word):
            return
        file, what = self.metrics_file, "read from"
        if self.templates:
            file, what = self.templates[0].name, "filled in and written to"
        if file is not None:
            raise InputError(
                f"{file!r} is {what} the trial's folder, which the command does not use; run it there by --in-folder "
                f"(in_folder=True in Python), or write {{trial.folder}}/{file} in the command"
            )

    def _check_no_template(self, name: str) -> None:
        """Check that no word names a template itself, whose placeholders are not filled in."""
        if not name or (self.in_folder and os.path.normpath(name) in self._own_files):
            return
        for template in self.templates:
            if template.is_file(os.path.join(self._origin, name)):
                right = template.name if self.in_folder else f"{{trial.folder}}/{template.name}"
                raise InputError(
                    f"the command names the template {name!r}, which stays as it is; write {right}, the file that is filled in "
                    f"for each trial"
                )

    def _with_absolute_file(self, word: str, position: int) -> str:
        return with_absolute_file(word, self._origin, self._own_files, is_program=position == 0)

    def describe_doubts(self, space: Space) -> list[str]:
        """Return a sentence for whatever may not be meant: misspelled places, and files that all trials share."""
        doubts = [
            f"the template {template.name!r} has {{{name}}}, which is no parameter and stays as it is; did you mean {{{near}}}?"
            for template in self.templates
            for name, near in template.likely_misspellings(_known_names(space)).items()
        ]
        if shared := ", ".join(os.path.basename(file) for file in self.shared_files):
            doubts.append(f"files of this folder that all trials share, to be read and not written: {shared}")
        return doubts

    @property
    def shared_files(self) -> list[str]:
        """Files of the call's folder that the words name, so that all trials share them; programs and scripts are left out."""
        if not self.in_folder:
            return []
        fixed = ["".join(text for text, _, _ in word) for word in self._words[1:] if all(name is None for _, name, _ in word)]
        files = [file for file in map(file_of, fixed) if os.path.isabs(file) and os.path.dirname(file) == self._origin]
        return [file for file in files if Path(file).suffix not in SCRIPTS and not os.access(file, os.X_OK)]

    @property
    def has_fixed_program(self) -> bool:
        """Whether all trials run the same program, instead of one named by a parameter."""
        return all(name is None for _, name, _ in self._words[0])

    @property
    def learns_budget(self) -> bool:
        """Whether the command or a template has a placeholder for the trial's budget."""
        named = {name for word in self._words for _, name, _ in word}
        return "trial.budget" in named.union(*(template.names(["trial.budget"]) for template in self.templates))

    def check(self, space: Space) -> None:
        """Check that the command can be run with the points of a space.

        Raises:
            InputError: an unknown name, a dimension that the command does not use, an incompatible format, a missing program, or
                a missing script.
        """
        used = {name for word in self._words for _, name, _ in word if name is not None}
        names = _known_names(space)
        for name in sorted(used):
            if name not in names:
                raise InputError(f"the command has a place for {{{name}}}, which is none of {', '.join(names)}")
        used = used.union(*(template.names(names) for template in self.templates))
        for name in space.names:
            if name not in used:
                where = "the command and its templates do not use" if self.templates else "the command does not use"
                raise InputError(f"{where} the parameter {name!r}; write {{{name}}} where its value belongs")
        for template in self.templates:
            template.check(names)
        middle = space.parameters(space.from_unit(space.snap(np.full((1, space.d), 0.5)))[0])
        self.fill_templates(space, middle, dict.fromkeys(_TRIAL, 0))
        program = self.fill(space, middle, dict.fromkeys(_TRIAL, 0))[0]
        if self.has_fixed_program and shutil.which(program) is None:
            raise not_found(program)
        words = [None if any(name for _, name, _ in word) else "".join(text for text, _, _ in word) for word in self._words]
        own: frozenset[str] = self._own_files if self.in_folder else frozenset()
        if (script := missing_script(words, self._origin, own)) is not None:
            raise InputError(
                f"the command runs the script {script!r}, which is not in the working folder {self._origin!r}; start in its "
                f"folder, or give its whole path"
            )

    def check_metrics(self, metrics: Metrics) -> None:
        """Check that the named groups of the patterns, if there are any, give the metrics that a study declares.

        Raises:
            InputError: a declared metric that no pattern names.
        """
        named = {name for pattern in self._patterns for name in pattern.groupindex}
        for metric in metrics.declared if named else ():
            if metric.name not in named:
                raise InputError(
                    f"the metric {metric.name!r} is declared, and the patterns (--metric-regex) name only "
                    f"{', '.join(map(repr, sorted(named)))}"
                )

    def fill(self, space: Space, parameters: Parameters, trial: Mapping[str, Any]) -> list[str]:
        """Return the words of the command with all values filled in.

        Raises:
            InputError: a value that is incompatible with a format.
        """
        values = _values(space, parameters, trial)
        words = ["".join(text + _format(name, values, spec) for text, name, spec in word) for word in self._words]
        if self.in_folder:  # a word that only consists of a value is unchanged
            words = [
                self._with_absolute_file(text, position) if any(os.sep in fixed for fixed, _, _ in word) else text
                for position, (word, text) in enumerate(zip(self._words, words, strict=True))
            ]
        return words

    def fill_templates(self, space: Space, parameters: Parameters, trial: Mapping[str, Any]) -> dict[str, str]:
        """Return the texts of the templates by name, with all values filled in.

        Raises:
            InputError: a value that is incompatible with a format.
        """
        values = _values(space, parameters, trial)
        return {
            template.name: template.fill(values, lambda name, spec: _format(name, values, spec, "template"))
            for template in self.templates
        }

    def prepare(self, space: Space, parameters: Parameters, trial: Mapping[str, Any], folder: Path) -> None:
        """Write the input files of a trial to its folder, and remove the results of an earlier attempt.

        Raises:
            OSError: they cannot be written.
        """
        for name, text in self.fill_templates(space, parameters, trial).items():
            write_new(folder, name, text)
        if self.metrics_file is not None:
            remove_old(folder, self.metrics_file)

    def read(self, text: str, folder: Path | None = None) -> Any:
        """Return the result in the program's output: a number, or metrics by name.

        Args:
            text: the end of its standard output.
            folder: the trial's folder with the metrics file.

        Raises:
            InputError: the output has no result.
        """
        if self.metrics_file is not None and folder is not None:
            return self._read_file(folder / self.metrics_file)
        return find_metrics(text, self._patterns, "the command printed")

    def _read_file(self, file: Path) -> Any:
        if not file.is_file():
            raise InputError(f"the command wrote no file {file.name!r} to the trial's folder {str(file.parent)!r}")
        return find_metrics(read_end(file, READ), self._patterns, f"the command wrote to {file.name!r}", whole=True)


def _piece(text: str, name: str | None, spec: str | None, conversion: str | None) -> _Piece:
    if conversion is not None:
        raise ValueError(f"{{{name}!{conversion}}} asks for a conversion, which is not supported")
    return text, name, spec or ""


def _known_names(space: Space) -> list[str]:
    return [*space.names, *space.constants, *(f"trial.{name}" for name in _TRIAL)]


def _values(space: Space, parameters: Parameters, trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return all values for placeholders of a command or a template, by name."""
    return space.by_name(parameters) | {f"trial.{name}": trial.get(name) for name in _TRIAL}


def _format(name: str | None, values: Mapping[str, Any], spec: str, where: str = "command") -> str:
    if name is None:
        return ""
    try:
        return format(values[name], spec)
    except (ValueError, TypeError):
        raise InputError(f"the {where}'s {{{name}:{spec}}} does not fit the value {shown(values[name])}") from None
