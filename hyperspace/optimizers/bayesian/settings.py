"""Settings of the Bayesian engine: of a team that shares its trials, and of one drive in one box.

benchmarks/NOTEBOOK.md has the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspace.space.space import Bounds, Space

WHOLE = -1  # region number of the model of the whole box
HEDGE = "hedge"  # key of a portfolio's gains in what a trial records of its model
LARGEST_TEAM = 16  # drives whose points are chosen jointly


@dataclass(frozen=True, slots=True)
class Settings:
    """Tunable settings.

    Attributes:
        regions: number of trust regions of a team.
        initial_length: side length of a new region, in units of the unit cube.
        max_length, min_length: a region grows up to the first; a region below the second restarts at `initial_length`.
        min_separation: least distance between the centers of regions, in the maximum norm.
        success_tolerance: consecutive rounds with progress after which a region's length doubles.
        failure_tolerance: a region's length halves after max(this, d) evaluations without progress.
        correlation_window, min_correlation: number of a region's last trials, and the least Kendall correlation of their
            predicted and observed losses. A region below it shrinks to a quarter after `failure_tolerance` failures. One third
            means that two of three pairs are in the right order.
        nearest: number of trials that a model is fitted to.
        nearest_noisy: the same for a region where a fit found noise. The nearest trials alone would be too close together to
            show a trend.
        candidates: number of points at which a posterior sample is evaluated.
        region_candidates: number of candidates at which posterior samples of different regions are compared.
        moved_coordinates: largest mean number of center coordinates that a candidate changes (Regis and Shoemaker 2013).
        stretch: the sides of a region follow the lengthscales within this factor of their geometric mean.
        growth: one member refits the hyperparameters after the archive has grown by this factor.
        lag: every member refits them after the archive has grown by this factor since the last recorded fit.
        async_lag: `lag` with exchange="async", where a fit becomes known one question later than in rounds.
        async_growth: `growth` with exchange="async", where every fit delays a rank.
        lag_ahead: `lag` for a drive that fitted ahead while its last evaluation ran.
        max_evidence_deficit: deficit in nats per trial up to which an additive process still gets one turn in four.
        min_gain: least improvement of a posterior sample in a region, in standard deviations of the model's targets.
        explore_starts: number of starting points for local minima of a posterior sample over the whole space.
        explore_distance: least distance of such a local minimum from the best trial, in the maximum norm.
        min_log_ei: log expected improvement below which an exploiting turn moves to another region, in the unit of `min_gain`.
        needs_regions: whether arms need a trust region, and so a feasible trial. If not, the regions only mark points around
            which candidates are placed.
        most_pending: number of pending points that the global arm conditions on, the latest ones.
        compares_additive: whether an additive process is fitted, too, and compared.
        leaves_converged: whether every second global turn ignores the variance at known points if hardly any improvement is
            expected (see `arms.GlobalArm`).
        cycle: the arms of a team's successive turns, by their letters (see `arms.ARMS`).
        small_d, small_cycle: the cycle for at most `small_d` dimensions. It exploits more, and half of its Thompson turns
            evaluate candidates without a gradient search.
        sequential_cycle: the cycle for a drive that asks while no other trial is pending.
    """

    regions: int = 2
    initial_length: float = 0.8
    max_length: float = 1.6
    min_length: float = 2.0**-8
    min_separation: float = 0.2
    success_tolerance: int = 3
    failure_tolerance: int = 4
    correlation_window: int = 12
    min_correlation: float = 1.0 / 3.0
    nearest: int = 200
    nearest_noisy: int = 400
    candidates: int = 500
    region_candidates: int = 128
    moved_coordinates: float = 20.0
    stretch: float = 5.0
    growth: float = 1.05
    lag: float = 1.15
    async_lag: float = 1.4
    async_growth: float = 1.1
    lag_ahead: float = 3.0
    max_evidence_deficit: float = 0.5
    min_gain: float = 0.01
    explore_starts: int = 24
    explore_distance: float = 0.05
    min_log_ei: float = -10.0
    needs_regions: bool = True
    most_pending: int = 64
    compares_additive: bool = True
    leaves_converged: bool = False
    cycle: str = "GETTETTETTETTETT"
    small_d: int = 6
    small_cycle: str = "GETETETETETETETT"
    sequential_cycle: str = "EEG"

    def letter(self, turn: int, d: int, alone: bool) -> str:
        """Return the letter of the arm of a turn, counted from the start of the study, in d dimensions."""
        cycle = self.sequential_cycle if alone else self.small_cycle if d <= self.small_d else self.cycle
        return cycle[turn % len(cycle)]


def box_settings(acquisition: str) -> Settings:
    """Return the settings of one drive in one box: one arm, without trust regions.

    This is the optimizer of `Optimizer` and of the published method. Its regions only mark the points around which the arm
    looks for candidates. It refits when the trials have grown by a tenth, before it asks.
    """
    cycle = {"TS": "S", "gp_hedge": "H"}.get(acquisition, "G")
    return Settings(
        needs_regions=False,
        regions=4,
        min_separation=0.0,
        nearest=500,
        nearest_noisy=500,
        growth=1.1,
        lag=1.1,
        most_pending=512,
        compares_additive=False,
        leaves_converged=True,
        cycle=cycle,
        small_cycle=cycle,
        sequential_cycle=cycle,
    )


@dataclass(frozen=True, slots=True)
class Setup:
    """Values shared by all rounds of a study.

    Attributes:
        space: the search space.
        settings: the settings.
        model: the user's choice of a surrogate.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge".
        seed: entropy of all random streams.
        box: the box that all arms keep to, in the unit cube.
        whole: region number of the model of this box. It tells the fits of different boxes apart.
    """

    space: Space
    settings: Settings
    model: Any
    acquisition: str
    seed: int
    box: Bounds
    whole: int = WHOLE
