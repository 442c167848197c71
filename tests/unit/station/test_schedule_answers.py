"""A schedule in the words of the local API."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.plant.schedules import schedule
from vppscada.model.explanation import Explanation, Reason
from vppscada.station.api_requests import RequestFault
from vppscada.station.schedule_answers import schedule_page, wanted_assets

NAMES = ["a", "b", "c"]
PLAN = schedule([[True, True], [False, True], [True, False]], [[1.0, 2.0], [0.0, 3.0], [-1.0, -0.0]])
UNKNOWN = np.full(2, np.nan)


def test_pages_follow_each_other_and_hold_all() -> None:
    first = schedule_page(PLAN, NAMES, [0, 1, 2], UNKNOWN, 0, cells=4)
    second = schedule_page(PLAN, NAMES, [0, 1, 2], UNKNOWN, 2, cells=4)
    assert [one["asset"] for page in (first, second) for one in page["assets"]] == NAMES  # type: ignore[attr-defined]
    assert (first["next"], second["next"]) == (2, None)


def test_a_page_has_an_asset_however_long_the_schedule() -> None:
    assert schedule_page(PLAN, NAMES, [0, 1, 2], UNKNOWN, 0, cells=1)["next"] == 1


def test_what_is_not_known_is_null_and_no_zero_is_negative() -> None:
    page = json.loads(json.dumps(schedule_page(PLAN, NAMES, [2], UNKNOWN), allow_nan=False))
    assert page["price_per_mwh"] == [None, None]
    assert page["reserve_value_per_mwh"] is None
    assert not page["explained"]
    assert str(page["assets"][0]["power_mw"]) == "[-1.0, 0.0]"


def test_reasons_are_told_by_name() -> None:
    reason = np.full((3, 2), int(Reason.MARGINAL), dtype=np.uint8)
    table, column = np.full((3, 2), np.nan), np.zeros(2)
    why = Explanation(reason, table, table, column, column, ("feeder",), np.array([[0.0, 2.0]]))
    explained = replace(PLAN, explanation=why)
    page = json.loads(json.dumps(schedule_page(explained, NAMES, [0], UNKNOWN), allow_nan=False))
    assert page["assets"][0]["reason"] == ["marginal", "marginal"]
    assert page["assets"][0]["value_per_mwh"] == [None, None]
    assert page["limits"] == [{"limit": "feeder", "value_per_mwh": [0.0, 2.0]}]


def test_assets_are_asked_for_by_name() -> None:
    assert wanted_assets({}, NAMES) == [0, 1, 2]
    assert wanted_assets({"assets": ["c", "a"]}, NAMES) == [2, 0]
    with pytest.raises(RequestFault, match="no asset 'x'"):
        wanted_assets({"assets": ["x"]}, NAMES)
    with pytest.raises(RequestFault, match="no list"):
        wanted_assets({"assets": "a"}, NAMES)
