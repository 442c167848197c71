"""What the database says of an asset: unknown is never taken for good."""

import pytest

from tests.unit.control.build import POINTS, Field, Time
from vppscada.control.facts import RoleRows, facts_of, limits_of
from vppscada.control.gate import Facts
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.quality import Quality
from vppscada.points.database import Database

ROWS = RoleRows(POINTS)
WELL = Facts(has_session=True, online=True, telemetry_fit=True, remote=True, fault=False)


@pytest.fixture
def field() -> Field:
    made = Field(Time())
    made.healthy()
    return made


def facts(field: Field) -> Facts:
    return facts_of("engine1", ROWS, field.database, True, None)


def test_a_healthy_asset_is_said_to_be_so(field: Field) -> None:
    assert facts(field) == WELL


def test_before_anything_was_reported_nothing_is_good() -> None:
    assert facts(Field(Time())) == Facts(True, online=False, telemetry_fit=False, remote=False, fault=True)


@pytest.mark.parametrize(
    "quality",
    [Quality.NONE, Quality.ONLINE | Quality.STALE, Quality.ONLINE | Quality.COMM_LOST, Quality.RESTART],
)
def test_a_reading_that_is_not_fit_counts_against_the_asset(field: Field, quality: Quality) -> None:
    field.report_as(quality, active_power=1.0, remote=1.0, fault=0.0, comm_online=1.0)
    assert facts(field) == Facts(True, online=False, telemetry_fit=False, remote=False, fault=True)


def test_a_lost_session_counts_against_the_asset(field: Field) -> None:
    field.report(comm_online=0.0)
    assert not facts(field).online


def test_local_and_fault_are_seen(field: Field) -> None:
    field.report(remote=0.0, fault=1.0)
    assert facts(field).fault
    assert not facts(field).remote


def test_what_a_map_does_not_have_cannot_speak_against_it_but_power_must_be_measured() -> None:
    points = (Point("bare.setpoint", PointKind.ANALOG_OUTPUT, Role.SETPOINT, writable=True),)
    known = facts_of("bare", RoleRows(points), Database(points), True, None)
    assert known == Facts(True, online=True, telemetry_fit=False, remote=True, fault=False)


def test_a_disabled_point_tells_nothing() -> None:
    points = (
        Point("a.old", PointKind.BINARY_INPUT, Role.FAULT, enabled=False),
        Point("a.new", PointKind.BINARY_INPUT, Role.FAULT),
    )
    assert RoleRows(points).of("a", Role.FAULT) == 1


def test_storage_may_be_told_to_charge_and_others_not() -> None:
    battery = Asset("b", AssetKind.BATTERY, "b", rating_mw=5.0, charge_rating_mw=4.0)
    engine = Asset("e", AssetKind.RECIPROCATING_ENGINE, "e", rating_mw=5.0, charge_rating_mw=4.0)
    assert (limits_of(battery, 0.0).lowest, limits_of(battery, 0.0).highest) == (-4.0, 5.0)
    assert limits_of(engine, 0.0).lowest == 0.0
