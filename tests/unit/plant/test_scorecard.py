"""Forecasts judged by what came, at each lead."""

import numpy as np
import pytest

from vppscada.plant.forecasting import BUCKET_MS, Bands
from vppscada.plant.scorecard import LEADS, Card, Scorecard


def told(p10: float, p50: float, p90: float, steps: int = 96) -> Bands:
    return Bands(*(np.full((1, steps), value) for value in (p10, p50, p90)))


def only(card: Scorecard, lead_h: float) -> Card:
    [found] = [one for one in card.cards() if one.lead_h == lead_h]
    return found


def judged(outturns: list[float], bands: Bands, now: float = 1.0) -> Scorecard:
    """A forecast in each quarter, judged a quarter later."""
    card = Scorecard(["sun"])
    for bucket, outturn in enumerate(outturns):
        card.issued(bucket * BUCKET_MS, bands, np.array([now]), bucket * BUCKET_MS, BUCKET_MS)
        card.came(bucket + 1, np.array([outturn]))
    return card


def test_errors_are_those_of_the_forecasts_in_units_of_the_outturn() -> None:
    found = only(judged([4.0, 2.0], told(1.0, 3.0, 5.0), now=0.0), 0.25)
    assert found.outturns == 2
    assert found.bias == pytest.approx(0.0, abs=1e-3)  # −1 and +1; the newer one weighs a little more
    assert [found.mae, found.rmse] == pytest.approx([1.0, 1.0])
    assert found.persistence_mae == pytest.approx(3.0, abs=1e-3)
    assert found.skill == pytest.approx(1.0 - 1.0 / 3.0, abs=1e-3)


def test_quantiles_are_judged_by_their_loss_and_by_what_falls_outside() -> None:
    found = only(judged([0.0, 2.0, 6.0, 3.0], told(1.0, 3.0, 5.0)), 0.25)
    assert [found.below_p10, found.above_p90] == pytest.approx([0.25, 0.25], abs=1e-3)
    p10 = (0.9 * 1.0 + 0.1 * 1.0 + 0.1 * 5.0 + 0.1 * 2.0) / 4
    p50 = 0.5 * (3.0 + 1.0 + 3.0 + 0.0) / 4
    p90 = (0.1 * 5.0 + 0.1 * 3.0 + 0.9 * 1.0 + 0.1 * 2.0) / 4
    assert found.pinball == pytest.approx((p10 + p50 + p90) / 3.0, abs=1e-3)


def test_without_quantiles_only_the_middle_is_judged() -> None:
    found = only(judged([4.0], told(np.nan, 3.0, np.nan)), 0.25)
    assert found.mae == 1.0 and np.isnan(found.below_p10) and np.isnan(found.pinball)


def test_a_forecast_is_judged_when_its_time_comes_and_only_once() -> None:
    card = Scorecard(["sun"])
    card.issued(0, told(1.0, 3.0, 5.0), np.array([2.0]), 0, BUCKET_MS)
    for bucket in (*range(1, 100), *range(1, 100)):
        card.came(bucket, np.array([4.0]))
    assert [(one.lead_h, one.outturns) for one in card.cards()] == [(lead / 4.0, 1) for lead in LEADS]


def test_the_first_forecast_of_a_quarter_counts() -> None:
    card = Scorecard(["sun"])
    card.issued(0, told(1.0, 3.0, 5.0), np.array([2.0]), 0, BUCKET_MS)
    card.issued(1, told(1.0, 9.0, 9.0), np.array([2.0]), 0, BUCKET_MS)
    card.came(1, np.array([4.0]))
    assert only(card, 0.25).mae == 1.0


def test_what_did_not_come_judges_nothing() -> None:
    assert judged([np.nan, np.nan], told(1.0, 3.0, 5.0)).cards() == []
    assert judged([1.0], told(1.0, 3.0, 5.0), now=np.nan).cards() == []


def test_steps_longer_than_a_quarter_are_judged_by_quarters() -> None:
    card = Scorecard(["sun"])
    hours = Bands(*(np.array([[1.0, 2.0]]) for _ in range(3)))
    card.issued(0, hours, np.array([0.0]), 0, 4 * BUCKET_MS)
    card.came(1, np.array([1.0]))
    card.came(4, np.array([1.0]))
    assert only(card, 0.25).mae == 0.0 and only(card, 1.0).mae == 1.0
    assert len(card.cards()) == 2  # nothing was told of six hours ahead


def test_other_names_keep_their_cards() -> None:
    card = judged([4.0], told(1.0, 3.0, 5.0))
    renamed = card.renamed(["new", "sun"])
    assert renamed.cards() == card.cards()
    assert card.renamed([]).cards() == []
