"""`hyperspace plot PATH --kind KIND`: one plot of a study. `hyperspace report PATH`: a complete report."""

from __future__ import annotations

import io
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hyperspace
from hyperspace.cli.path_arguments import StudyPath, output_file, study_folder
from hyperspace.errors import InputError
from hyperspace.system.terminal import printable
from hyperspace.system.whole_file import check_output, write_output

if TYPE_CHECKING:
    from hyperspace.results.result import Result


class Kind(StrEnum):
    """Kind of a plot."""

    CONVERGENCE = "convergence"
    SUBSPACES = "subspaces"
    PARTITION = "partition"
    PARALLEL = "parallel"
    IMPORTANCE = "importance"
    DEPENDENCE = "dependence"
    CURVES = "curves"
    GANTT = "gantt"
    PREDICTIONS = "predictions"
    CALIBRATION = "calibration"
    REGRET = "regret"
    FRONT = "front"
    HYPERVOLUME = "hypervolume"
    ATTAINMENT = "attainment"
    ANIMATION = "animation"


def plot(
    paths: Annotated[
        list[Path],
        typer.Argument(
            parser=study_folder,
            metavar="PATH...",
            help="Folders of studies; several are compared, by convergence, regret or hypervolume.",
        ),
    ],
    kind: Annotated[
        Kind, typer.Option("--kind", "-k", metavar="KIND", help=f"What to show: {', '.join(Kind)}.")
    ] = Kind.CONVERGENCE,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=output_file,
            metavar="PATH",
            help="The file: PNG, SVG or PDF; GIF for an animation.",
            show_default="KIND.png",
        ),
    ] = None,
    dimension: Annotated[
        list[str] | None,
        typer.Option(
            "--dimension", "-d", help="Name of a parameter: one for dependence, two for partition.", show_default="the first"
        ),
    ] = None,
    optimum: Annotated[float | None, typer.Option(help="The value that cannot be beaten, for regret.")] = None,
    dpi: Annotated[int, typer.Option(min=20, help="Dots per inch of a PNG.")] = 150,
) -> None:
    """Draw a picture of a study, also while it runs."""
    if len(paths) > 1 and kind not in (Kind.CONVERGENCE, Kind.REGRET, Kind.HYPERVOLUME):
        raise InputError(f"--kind {kind} shows one study, got {len(paths)} folders")
    ending = "gif" if kind is Kind.ANIMATION else "png"
    output = output or Path(f"{kind}.{ending}")
    check_output(output, "the picture")
    if not output.suffix:
        output = output.with_name(f"{output.name}.{ending}")
    results = {str(path): hyperspace.load_results(path) for path in paths}
    result = next(iter(results.values()))
    from hyperspace import plots  # first: it has a message for a missing matplotlib

    import matplotlib as mpl  # isort: skip
    from matplotlib import pyplot

    mpl.use("Agg")
    if kind is Kind.ANIMATION:
        figure: Any = plots.animate_search(result, output).figure
    else:
        form = _format(output)
        figure = _draw(kind, results if len(results) > 1 else result, result, dimension or [], optimum).figure
        written = io.BytesIO()
        figure.savefig(written, format=form, dpi=dpi)
        write_output(output, written.getvalue(), "the picture")
    pyplot.close(figure)
    print(printable(output))


def _format(output: Path) -> str:
    """Return the format that the name of a picture's file ends in.

    Raises:
        InputError: matplotlib does not know it.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    form, known = output.suffix[1:].lower(), FigureCanvasBase.get_supported_filetypes()
    if form not in known:
        raise InputError(f"the name of a picture must end in one of .{', .'.join(sorted(known))}; got --output {output}")
    return form


def _draw(kind: Kind, studies: Any, result: Result, dimensions: list[str], optimum: float | None) -> Any:
    from hyperspace import plots

    if kind is Kind.REGRET:
        if optimum is None:
            raise InputError("--kind regret needs --optimum, the value that cannot be beaten")
        return plots.plot_regret(studies, optimum)
    names = result.search_space.names
    if kind is Kind.PARTITION:
        if len(names) < 2:
            raise InputError("--kind partition shows two dimensions, and this study has one")
        pair = [*dimensions, *(name for name in names if name not in dimensions)][:2]
        return plots.plot_partition(result, (pair[0], pair[1]))
    if kind is Kind.DEPENDENCE:
        return plots.plot_dependence(result, dimensions[0] if dimensions else 0)
    if kind is Kind.SUBSPACES:
        return plots.plot_convergence(result, subspaces=True)
    single: dict[Kind, Callable[[Any], Any]] = {
        Kind.CONVERGENCE: plots.plot_convergence,
        Kind.PARALLEL: plots.plot_parallel,
        Kind.IMPORTANCE: plots.plot_importance,
        Kind.CURVES: plots.plot_curves,
        Kind.GANTT: plots.plot_gantt,
        Kind.PREDICTIONS: plots.plot_predictions,
        Kind.CALIBRATION: plots.plot_calibration,
        Kind.FRONT: plots.plot_front,
        Kind.HYPERVOLUME: plots.plot_hypervolume,
        Kind.ATTAINMENT: plots.plot_attainment,
    }
    return single[kind](studies)


def report(
    path: StudyPath,
    output: Annotated[
        Path, typer.Option("--output", "-o", parser=output_file, metavar="PATH", help="The HTML file to write.")
    ] = Path("report.html"),
) -> None:
    """Write a report on a study to one self-contained HTML file, also while the study runs."""
    hyperspace.load_results(path)  # reports a wrong path before matplotlib loads
    from hyperspace.report import write_report  # first: it has a message for a missing matplotlib

    import matplotlib as mpl  # isort: skip

    mpl.use("Agg")
    print(printable(write_report(path, output)))
