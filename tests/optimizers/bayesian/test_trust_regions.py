"""Trust regions are a region_state: they follow from the ordered trials, however these came in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau

from hyperspace.optimizers.bayesian.settings import WHOLE, Settings, Setup
from hyperspace.optimizers.bayesian.trust_regions import TrustRegionState, distances, kendall_tau, nearest
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import FLOAT_NAME, Metrics
from hyperspace.trials.trial import FAILED, OK, Trial

SETTINGS = Settings()


def archive_of(d: int) -> Archive:
    space = check_space([(0.0, 1.0)] * d)
    return Archive(space.to_unit, Metrics(), d)


def region_state(d: int, n_regions: int = 2, block: int = 4) -> TrustRegionState:
    return TrustRegionState(Setup(check_space([(0.0, 1.0)] * d), SETTINGS, "GP", "EI", 0, Bounds.whole(d)), n_regions, block)


def block(
    archive: Archive, values: list[float], U: np.ndarray, region: int | None = None, predicted: list[float] | None = None
) -> None:
    n = len(archive)
    told = [None] * len(values) if predicted is None else predicted
    archive.extend(
        Trial(drive=i, iteration=n // 4, x=tuple(u), status=OK, metrics={FLOAT_NAME: v}, region=region, predicted=p)
        for i, (v, u, p) in enumerate(zip(values, U.tolist(), told, strict=True))
    )


CORNERS = np.array([[0.1, 0.1], [0.9, 0.9], [0.15, 0.1], [0.9, 0.1]])


def test_centers_are_the_best_trials_that_are_apart() -> None:
    archive, folded = archive_of(2), region_state(2)
    block(archive, [1.0, 3.0, 2.0, 4.0], CORNERS)
    folded.update(archive)
    assert [(region.number, region.center, region.length) for region in folded.regions] == [(0, 0, 0.8), (1, 1, 0.8)]


def test_a_region_halves_without_and_doubles_with_progress() -> None:
    archive, folded = archive_of(2), region_state(2)
    block(archive, [1.0, 3.0, 2.0, 4.0], CORNERS)
    block(archive, [5.0, 5.0, 5.0, 5.0], CORNERS + 0.01, region=0)
    folded.update(archive)
    assert [region.length for region in folded.regions] == [0.4, 0.8]
    for value in (0.9, 0.8, 0.7):
        block(archive, [value, 5.0, 5.0, 5.0], CORNERS + 0.1 * value, region=0)
    folded.update(archive)
    assert folded.regions[0].length == 0.8
    assert folded.regions[0].successes == 0


def test_a_region_that_has_shrunk_to_nothing_opens_again() -> None:
    archive, folded = archive_of(2), region_state(2)
    block(archive, [1.0, 3.0, 2.0, 4.0], CORNERS)
    sides = []
    for _ in range(9):
        block(archive, [5.0] * 4, CORNERS, region=0)
        folded.update(archive)
        sides.append(folded.regions[0].length)
    assert sides == [*(0.8 / 2**k for k in range(1, 8)), 0.8, 0.4]


@pytest.mark.parametrize(("seed", "n"), [(0, 6), (1, 12), (2, 40)])
def test_agreement_is_kendalls_correlation(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.random(n)
    b = a + rng.random(n)
    assert kendall_tau(a, b) == pytest.approx(kendalltau(a, b).statistic)
    assert kendall_tau(a, -a) == -1.0
    assert kendall_tau(a, np.ones(n)) == 0.0


def narrowed(predicted: list[float] | None, lead: float | None = None) -> list[float]:
    """Return a region's sides in 8 dimensions after blocks without progress, of whose values something was predicted.

    Args:
        predicted: of each trial of a block.
        lead: of the additive process over the other one, in the record of a fit.
    """
    d, rng = 8, np.random.default_rng(0)
    archive, folded = archive_of(d), region_state(d)
    block(archive, [1.0, 3.0, 2.0, 4.0], rng.random((4, d)))
    sides = []
    for _ in range(5):
        block(archive, [5.0, 6.0, 7.0, 8.0], rng.random((4, d)), region=0, predicted=predicted)
        if lead is not None:
            fit = {"region": WHOLE, "n": 4, "additive": {"lead": lead}}
            archive.extend([Trial(drive=-1, iteration=len(archive), x=(0.5,) * d, status=OK, origin="given", model=fit)])
        folded.update(archive)
        sides.append(next(region.length for region in folded.regions if region.number == 0))
    return sides


def test_a_region_whose_model_tells_good_from_bad_waits_for_as_many_failures_as_there_are_dimensions() -> None:
    assert narrowed([0.5, 0.6, 0.7, 0.8]) == narrowed(None) == [0.8, 0.4, 0.4, 0.2, 0.2]


@pytest.mark.parametrize("predicted", [[0.8, 0.7, 0.6, 0.5], [0.7] * 4])
def test_a_region_whose_model_does_not_falls_to_a_quarter_at_once(predicted: list[float]) -> None:
    """After the first block, of four, nothing is told of the model yet, and it waits."""
    assert narrowed(predicted) == [0.8, 0.2, 0.05, 0.0125, 0.8]


def test_a_region_in_which_an_additive_process_leads_waits() -> None:
    backwards = [0.8, 0.7, 0.6, 0.5]
    assert narrowed(backwards, lead=0.1) == narrowed(None)
    assert narrowed(backwards, lead=-0.1) == narrowed(backwards)


def test_trials_without_a_value_or_a_prediction_tell_nothing_of_a_model() -> None:
    archive, folded = archive_of(2), region_state(2)
    block(archive, [1.0, 3.0, 2.0, 4.0], CORNERS)
    for _ in range(3):
        running = Trial(drive=0, iteration=9, x=(0.5, 0.5), region=0, predicted=1.0)
        archive.extend([replace(running, drive=i, iteration=len(archive)).finish(FAILED) for i in range(4)])
        folded.update(archive)
    assert folded.regions[0].length == 0.8 / 2**3


def test_regions_keep_their_numbers_while_their_order_changes() -> None:
    archive, folded = archive_of(2), region_state(2)
    block(archive, [1.0, 3.0, 2.0, 4.0], CORNERS)
    block(archive, [5.0] * 4, CORNERS + 0.01, region=0)
    block(archive, [0.5, 6.0, 6.0, 6.0], np.array([[0.88, 0.9], [0.5, 0.5], [0.4, 0.4], [0.3, 0.3]]), region=1)
    folded.update(archive)
    assert [(region.number, region.center) for region in folded.regions] == [(1, 8), (0, 0)]
    assert [region.length for region in folded.regions] == [0.8, 0.4]


def test_the_fold_does_not_depend_on_how_trials_came_in() -> None:
    rng = np.random.default_rng(0)
    whole, stepwise = archive_of(3), archive_of(3)
    watched = region_state(3)
    for _ in range(30):
        U, values = rng.random((4, 3)), rng.random(4).tolist()
        block(whole, values, U, region=int(rng.integers(2)))
        for trial in whole.trials[-4:]:
            stepwise.extend([trial])
            watched.update(stepwise)
    at_once = region_state(3)
    at_once.update(whole)
    assert at_once.regions == watched.regions
    assert np.array_equal(at_once.score, watched.score)


def test_distances_treat_categories_alike() -> None:
    space = check_space([(0.0, 1.0), ["a", "b", "c", "d"]])
    U = np.array([[0.1, 0.125], [0.1, 0.375], [0.1, 0.875], [0.9, 0.125]])
    away = distances(space, U, U[0])
    assert away[0] == 0.0
    assert away[1] == away[2]
    rows = nearest(space, U, np.array([True, True, False, True]), U[0], 2)
    assert rows.tolist() == [0, 1]


def test_centers_are_those_of_all_trials_however_they_came_in() -> None:
    rng = np.random.default_rng(0)
    for n_regions in (1, 3, 40):
        archive, folded = archive_of(2), region_state(2, n_regions)
        for spread in np.linspace(1.0, 0.02, 30):  # late trials lie near the best ones, as they do in a study that converges
            U = np.clip(0.3 + spread * (rng.random((4, 2)) - 0.3), 0.0, 1.0)
            block(archive, np.round(((U - 0.3) ** 2).sum(axis=1), 2).tolist(), U)  # some are equally good
            folded.update(archive)
            apart: list[int] = []
            for row in np.argsort(archive.y, kind="stable"):
                if len(apart) < n_regions and all(
                    np.abs(archive.U[row] - archive.U[c]).max() > SETTINGS.min_separation for c in apart
                ):
                    apart.append(int(row))
            assert [region.center for region in folded.regions] == apart
