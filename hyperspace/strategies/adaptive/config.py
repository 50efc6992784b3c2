"""The numbers of the adaptive strategy, measured in docs/adaptive.md, and the order in which its arms take turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspace.space.space import Space

DESIGN, GLOBAL, EXPLOIT, THOMPSON, EXPLORE = "design", "global", "exploit", "thompson", "explore"
WHOLE = -1  # in the place of a region's number: the model of the whole space
LARGEST_TEAM = 16  # drives that foresee each other's points


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be tuned.

    Attributes:
        regions: trust regions a team.
        first_side: side of a new region, in units of the cube.
        largest_side, smallest_side: a region grows up to the one; below the other it opens again at `first_side`.
        apart: regions' centers are at least so far apart (maximum norm).
        successes: rounds in a row with progress after which a region doubles.
        least_patience: a region halves after max(this, d) evaluations without progress.
        compared, skill: it falls to a quarter after `least_patience` of them where, for its last so many trials, Kendall's rank
            correlation of predictions and values is below this: of three pairs fewer than two in the right order.
        nearest: trials that a model is fitted to.
        nearest_noisy: the same for a region in which a fit has found noise, or what it takes for noise: the nearest ones
            alone then lie too close together to tell a trend.
        candidates: points at which a Thompson sample is drawn.
        scouts: of these, so many tell by a sample which region a turn works.
        moved: coordinates of the center that a candidate moves on average, at most (Regis and Shoemaker 2013).
        stretch: a region's sides follow the lengthscales within this factor of their geometric mean.
        growth: one member fits hyperparameters anew when the archive grew by this factor.
        lag: every member does, when it grew by this factor since the last fit on record.
        late: the same with exchange="async", where a fit is known a question later than in rounds.
        late_growth: `growth` with exchange="async", where every fit holds a rank up.
        ahead: the same for a drive that has thought ahead while its last evaluation ran: it will do so again.
        plausible: nats a trial by which an additive process may be behind, and have a turn in four still.
        promise: least gain that a sample must promise in a region, in standard deviations of the model's targets.
        valleys: trials from which the valleys of a sample over the whole cube are looked for where no region promises a gain.
        valley: valleys are so far from the best trial (maximum norm).
        worked_out: log expected improvement, in the same units, below which an exploiting turn goes on in another region.
        cycle: which arm takes each of a team's turns; from here the portfolio's shares come.
        small, small_cycle: in up to so many dimensions this cycle, which exploits more, and half of the Thompson turns roam.
        alone_cycle: the same where a drive asks while no other evaluates: there is nothing to keep apart from.
    """

    regions: int = 2
    first_side: float = 0.8
    largest_side: float = 1.6
    smallest_side: float = 2.0**-8
    apart: float = 0.2
    successes: int = 3
    least_patience: int = 4
    compared: int = 12
    skill: float = 1.0 / 3.0
    nearest: int = 200
    nearest_noisy: int = 400
    candidates: int = 500
    scouts: int = 128
    moved: float = 20.0
    stretch: float = 5.0
    growth: float = 1.05
    lag: float = 1.15
    late: float = 1.4
    late_growth: float = 1.1
    ahead: float = 3.0
    plausible: float = 0.5
    promise: float = 0.01
    valleys: int = 24
    valley: float = 0.05
    worked_out: float = -10.0
    cycle: str = "GETTETTETTETTETT"
    small: int = 6
    small_cycle: str = "GETETETETETETETT"
    alone_cycle: str = "EEG"

    def arm(self, turn: int, d: int, alone: bool) -> str:
        """Return the arm that takes a team's turn of this number, counted from the study's beginning, in d dimensions."""
        cycle = self.alone_cycle if alone else self.small_cycle if d <= self.small else self.cycle
        return {"G": GLOBAL, "E": EXPLOIT, "T": THOMPSON}[cycle[turn % len(cycle)]]


@dataclass(frozen=True, slots=True)
class Setup:
    """What is the same for all rounds: space, settings, the user's choice of model and acquisition, the seed."""

    space: Space
    settings: Settings
    model: Any
    acquisition: str
    seed: int
