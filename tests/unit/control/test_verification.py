"""Four times kept apart, and what counts as an effect."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.control.build import ENGINE, POINTS, ROW, Field, Time
from vppscada.control.facts import ABSENT, RoleRows
from vppscada.control.verification import Outcome, Stage, Tracker, reached
from vppscada.control.verification_plan import (
    Plan,
    VerificationLimits,
    echo_tolerance,
    measured_tolerance,
    plan_of,
)
from vppscada.model.assets import Asset, AssetKind
from vppscada.model.changes import ChangeSet
from vppscada.model.commands import Verification
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.quality import Quality

SETPOINT, START_STOP, DROOP = ROW["setpoint"], ROW["start_stop"], ROW["droop"]
LIMITS = VerificationLimits(echo_s=10.0, measured_s=60.0)


def plan_for(asset: Asset = ENGINE, points: tuple[Point, ...] = POINTS) -> Plan:
    return plan_of(points, RoleRows(points), {asset.name: asset}, LIMITS)


class Followed:
    """A tracker fed by the field, with all it told."""

    def __init__(self, asset: Asset = ENGINE) -> None:
        self.time = Time()
        self.field = Field(self.time)
        self.field.healthy()
        self.tracker = Tracker(plan_for(asset), self.field.database)
        self.told: list[Outcome] = []
        self.field.database.subscribe(self._observe)

    def _observe(self, changes: ChangeSet) -> None:
        self.told += self.tracker.observe(changes, self.time.now)

    def command(self, row: int, value: float, number: int = 1) -> Outcome | None:
        return self.tracker.commanded(row, number, value, self.time.now, self.time.ms)

    def expire(self) -> None:
        self.told += self.tracker.expire(self.time.now)

    @property
    def stages(self) -> list[Stage]:
        return [one.stage for one in self.told]


def test_the_four_times_are_kept_apart() -> None:
    it = Followed()
    it.time.pass_s(1)
    it.command(SETPOINT, 5.0)
    it.time.pass_s(1)
    it.tracker.acknowledged(SETPOINT, 1, it.time.now)
    it.time.pass_s(1)
    it.field.report(setpoint_feedback=5000.0)
    it.time.pass_s(1)
    it.field.report(active_power=4900.0)
    assert it.tracker.verification(SETPOINT) == Verification(101.0, 102.0, 103.0, 104.0)
    assert it.told == [
        Outcome(1, SETPOINT, 5.0, Stage.ECHOED, 2.0),
        Outcome(1, SETPOINT, 5.0, Stage.MEASURED, 3.0),
    ]
    assert it.tracker.open_commands == 0


def test_nothing_is_inferred_an_echo_is_no_acknowledgement() -> None:
    it = Followed()
    it.time.pass_s(1)
    it.command(SETPOINT, 5.0)
    it.time.pass_s(1)
    it.field.report(setpoint_feedback=5000.0)
    assert it.tracker.verification(SETPOINT) == Verification(101.0, None, 102.0, None)


def test_what_was_read_before_the_command_is_no_echo() -> None:
    it = Followed()
    it.field.report(setpoint_feedback=5000.0, active_power=5000.0)
    it.command(SETPOINT, 5.0)
    it.time.pass_s(1)
    it.expire()
    assert it.stages == []


def test_a_reading_of_the_same_millisecond_is_an_echo_if_none_was_there_before() -> None:
    it = Followed()
    it.time.pass_s(1)
    it.command(SETPOINT, 5.0)
    it.field.report(setpoint_feedback=5000.0)
    assert it.stages == [Stage.ECHOED]


def test_an_unchanged_report_after_the_command_is_an_echo() -> None:
    it = Followed()
    it.field.report(setpoint_feedback=5000.0)
    it.time.pass_s(1)
    it.command(SETPOINT, 5.0)
    it.time.pass_s(1)
    it.field.report(setpoint_feedback=5000.0)
    assert it.stages == []  # no change set came of it
    it.expire()
    assert it.stages == [Stage.ECHOED]


@pytest.mark.parametrize("quality", [Quality.ONLINE | Quality.STALE, Quality.NONE, Quality.ONLINE | Quality.OVER_RANGE])
def test_a_reading_that_is_not_fit_is_no_echo(quality: Quality) -> None:
    it = Followed()
    it.time.pass_s(1)
    it.command(SETPOINT, 5.0)
    it.time.pass_s(1)
    it.field.report_as(quality, setpoint_feedback=5000.0)
    it.expire()
    assert it.stages == []


def test_what_is_not_echoed_or_measured_in_time_is_told_once() -> None:
    it = Followed()
    it.command(SETPOINT, 5.0)
    it.time.pass_s(10.0)
    it.expire()
    assert it.stages == []
    it.time.pass_s(0.1)
    it.expire()
    it.expire()
    assert it.stages == [Stage.NOT_ECHOED]
    it.time.pass_s(50.0)
    it.expire()
    it.expire()
    assert it.stages == [Stage.NOT_ECHOED, Stage.NOT_MEASURED]
    assert it.tracker.open_commands == 0


def test_an_echo_after_its_time_is_not_told() -> None:
    it = Followed()
    it.command(SETPOINT, 5.0)
    it.time.pass_s(11.0)
    it.expire()
    it.field.report(setpoint_feedback=5000.0)
    assert it.stages == [Stage.NOT_ECHOED]
    assert it.tracker.verification(SETPOINT).echoed is None


def test_a_newer_command_takes_the_place_of_an_older_one() -> None:
    it = Followed()
    it.command(SETPOINT, 5.0, number=1)
    it.time.pass_s(1)
    assert it.command(SETPOINT, 6.0, number=2) == Outcome(1, SETPOINT, 5.0, Stage.SUPERSEDED, 1.0)
    it.tracker.acknowledged(SETPOINT, 1, it.time.now)  # the answer to the old one
    it.time.pass_s(1)
    it.field.report(setpoint_feedback=5000.0)
    assert it.stages == []
    it.field.report(setpoint_feedback=6000.0)
    assert it.told == [Outcome(2, SETPOINT, 6.0, Stage.ECHOED, 1.0)]
    assert it.tracker.verification(SETPOINT).acknowledged is None


def test_a_refused_command_is_followed_no_further_and_did_leave() -> None:
    it = Followed()
    it.command(SETPOINT, 5.0)
    it.tracker.dropped(SETPOINT, 1, left=True)
    it.time.pass_s(100.0)
    it.field.report(setpoint_feedback=5000.0)
    it.expire()
    assert it.stages == []
    assert it.tracker.verification(SETPOINT) == Verification(100.0)


def test_a_command_that_never_left_was_never_commanded() -> None:
    it = Followed()
    it.command(SETPOINT, 5.0)
    it.tracker.dropped(SETPOINT, 1, left=False)
    assert it.tracker.verification(SETPOINT) == Verification()


def test_a_start_is_measured_by_running_and_may_take_its_start_time_longer() -> None:
    it = Followed()
    it.field.report(running=0.0)
    it.command(START_STOP, 1.0)
    it.time.pass_s(89.0)
    it.expire()
    assert it.stages == []
    it.field.report(running=1.0)
    assert it.stages == [Stage.MEASURED]


def test_less_than_a_renewables_setpoint_is_as_good() -> None:
    sun = replace(ENGINE, kind=AssetKind.PHOTOVOLTAIC)
    it = Followed(sun)
    it.field.report(active_power=9000.0)
    it.time.pass_s(1)
    it.command(SETPOINT, 5.0)
    it.time.pass_s(1)
    it.field.report(active_power=8000.0)
    assert it.stages == []
    it.field.report(active_power=1000.0)
    assert it.stages == [Stage.MEASURED]


def test_less_than_an_engines_setpoint_is_not() -> None:
    it = Followed()
    it.time.pass_s(1)
    it.command(SETPOINT, 5.0)
    it.time.pass_s(1)
    it.field.report(active_power=1000.0)
    assert it.stages == []


def test_an_output_whose_effect_nothing_shows_is_not_followed() -> None:
    it = Followed()
    it.command(DROOP, 4.0)
    assert it.tracker.open_commands == 0
    it.tracker.acknowledged(DROOP, 1, 101.0)
    assert it.tracker.verification(DROOP) == Verification(100.0, 101.0)


def test_a_point_that_is_no_output_has_no_verification() -> None:
    it = Followed()
    assert it.command(ROW["active_power"], 1.0) is None
    assert it.tracker.verification(ROW["active_power"]) == Verification()


@pytest.mark.parametrize(
    ("value", "quality", "received", "ceiling", "shown"),
    [
        (5.0, Quality.ONLINE, 11, False, True),
        (5.2, Quality.ONLINE, 11, False, True),  # at the tolerance
        (5.21, Quality.ONLINE, 11, False, False),
        (4.79, Quality.ONLINE, 11, False, False),
        (4.79, Quality.ONLINE, 11, True, True),
        (5.21, Quality.ONLINE, 11, True, False),
        (5.0, Quality.ONLINE, 10, False, False),
        (5.0, Quality.RESTART, 11, False, False),
        (float("nan"), Quality.ONLINE, 11, False, False),
        (float("nan"), Quality.ONLINE, 11, True, False),
    ],
)
def test_a_value_is_reached_within_its_tolerance_by_a_fit_reading_that_came_after(
    value: float, quality: Quality, received: int, ceiling: bool, shown: bool
) -> None:
    answer = reached(
        np.array([value]),
        np.array([quality], dtype=np.uint16),
        np.array([received]),
        np.array([5.0]),
        np.array([0.2 + 1e-12]),
        np.array([ceiling]),
        np.array([10]),
    )
    assert answer.tolist() == [shown]


def test_the_tolerance_of_an_echo_is_a_count_of_whole_numbers_and_none_of_floats() -> None:
    whole = Point("a.sp", PointKind.ANALOG_OUTPUT, scale=0.1, data_type="int16")
    fine = Point("a.sp", PointKind.ANALOG_OUTPUT, scale=0.1, data_type="float32")
    echo = Point("a.fb", PointKind.ANALOG_INPUT, deadband=0.05, data_type="float32")
    assert echo_tolerance(whole, echo) == 0.1
    assert echo_tolerance(fine, echo) == 0.05
    assert echo_tolerance(fine, replace(echo, deadband=0.0)) == 0.0


def test_a_32_bit_float_of_the_value_is_its_echo() -> None:
    it = Followed()
    it.time.pass_s(1)
    it.command(SETPOINT, 5.123456789)
    it.field.report(setpoint_feedback=float(np.float32(5123.456789)))
    assert it.stages == [Stage.ECHOED]


def test_a_measured_power_may_be_off_by_two_percent_of_rating_or_its_deadband() -> None:
    output, power = POINTS[SETPOINT], POINTS[ROW["active_power"]]
    assert measured_tolerance(output, power, ENGINE) == pytest.approx(0.2)
    assert measured_tolerance(output, replace(power, deadband=0.7), ENGINE) == 0.7


def test_a_map_that_names_a_measurement_as_feedback_has_no_echo_but_a_measurement() -> None:
    points = (
        Point("engine1.running", PointKind.BINARY_INPUT, Role.RUNNING),
        Point("engine1.go", PointKind.BINARY_OUTPUT, Role.START_STOP, writable=True, feedback="engine1.running"),
    )
    plan = plan_for(points=points)
    assert (plan.echo_row.tolist(), plan.measured_row.tolist()) == ([ABSENT], [0])


def test_changes_lead_to_the_slots_that_they_tell_of_each_once() -> None:
    plan = plan_for()
    power, feedback = ROW["active_power"], ROW["setpoint_feedback"]
    slot = plan.slot_of[SETPOINT]
    assert plan.slots_told_by(np.array([power, feedback, power, ROW["remote"]])).tolist() == [slot]
    assert plan.slots_told_by(np.array([ROW["remote"], ROW["fault"]])).tolist() == []
    assert plan.slots_told_by(np.array([], dtype=np.intp)).tolist() == []
