"""Decoded items as batches, and commands as the values that are written."""

import numpy as np
import pytest

from protocols.opcua.config import Methods, NodeName, OpcUaAddress
from protocols.opcua.data_types import BOOLEAN, DATA_TYPES, STRING, CannotEncode, DataType
from protocols.opcua.decode import EPOCH_1601, Items
from protocols.opcua.mapping import MethodCall, Step, bad_batch, batch_of, layout_of, order_of, steps_of
from vppscada.model.batch import Cause
from vppscada.model.commands import (
    AnalogValue,
    CommandBody,
    Crob,
    CrobOperation,
    Pulse,
    PulseStyle,
    TripClose,
    crob_for,
)
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality


def point(name: str, kind: PointKind, data_type: DataType, enabled: bool = True) -> Point:
    return Point(name, kind, enabled=enabled, address=OpcUaAddress("urn:d", name, data_type))


POINTS = [
    RowPoint(9, point("a.text", PointKind.STRING, STRING)),
    RowPoint(5, point("a.power", PointKind.ANALOG_INPUT, DATA_TYPES["float"])),
    RowPoint(7, point("a.off", PointKind.ANALOG_INPUT, DATA_TYPES["float"], enabled=False)),
    RowPoint(2, point("a.state", PointKind.BINARY_INPUT, DATA_TYPES["byte"])),
    RowPoint(4, point("a.more", PointKind.ANALOG_INPUT, DATA_TYPES["float"])),
]


def items(handle: list[int], value: list[float], status: list[int] | None = None, time: int = 0) -> Items:
    n = len(handle)
    return Items(
        np.array(handle, dtype=np.uint32),
        np.array(value),
        np.array(status or [0] * n, dtype=np.uint32),
        np.full(n, time, dtype=np.int64),
    )


def test_points_of_one_type_stand_side_by_side_and_disabled_ones_are_left_out() -> None:
    layout = layout_of(POINTS)
    assert layout.rows.tolist() == [2, 5, 4, 9]
    assert layout.text.tolist() == [False, False, False, True]


def test_a_batch_has_rows_times_and_quality() -> None:
    layout = layout_of(POINTS)
    batch = batch_of(
        items([1, 2, 1], [1.5, -2.0, 3.0], [0, 0x8031_0000, 0x4090_0000], EPOCH_1601 + 12_345_670_000),
        layout,
        99,
        Cause.SUBSCRIPTION,
    )
    assert batch.rows.tolist() == [5, 4, 5]
    assert batch.value.tolist() == [1.5, -2.0, 3.0]
    assert batch.quality.tolist() == [Quality.ONLINE, Quality.COMM_LOST, Quality.ONLINE | Quality.STALE]
    assert batch.source_time_ms.tolist() == [1_234_567] * 3
    assert set(batch.time_quality.tolist()) == {TimeQuality.SYNCHRONISED}
    assert (batch.received_time_ms, batch.cause) == (99, Cause.SUBSCRIPTION)


@pytest.mark.parametrize("time", [0, EPOCH_1601, -5])
def test_a_time_before_1970_is_no_time(time: int) -> None:
    batch = batch_of(items([1], [1.0], time=time), layout_of(POINTS), 0, Cause.SUBSCRIPTION)
    assert batch.source_time_ms.tolist() == [0]
    assert batch.time_quality.tolist() == [TimeQuality.NONE]


def test_an_integer_on_a_binary_point_is_0_or_1() -> None:
    batch = batch_of(items([0, 0], [6.0, 0.0]), layout_of(POINTS), 0, Cause.SUBSCRIPTION)
    assert batch.value.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_not_good_whatever_its_status_says(value: float) -> None:
    batch = batch_of(items([1], [value]), layout_of(POINTS), 0, Cause.SUBSCRIPTION)
    assert batch.quality[0] & Quality.REFERENCE_ERR


def test_a_text_is_good_without_a_number_and_only_texts_of_text_points_are_kept() -> None:
    found = items([3, 1], [float("nan"), float("nan")])
    found.texts.update({0: "Turbine", 1: "stray"})
    batch = batch_of(found, layout_of(POINTS), 0, Cause.SUBSCRIPTION)
    assert batch.texts == {9: "Turbine"}
    assert batch.quality.tolist()[0] == Quality.ONLINE
    assert batch.quality[1] & Quality.REFERENCE_ERR


def test_what_cannot_be_read_is_bad() -> None:
    batch = bad_batch(layout_of(POINTS), [0, 3], Quality.REFERENCE_ERR, 5)
    assert batch.rows.tolist() == [2, 9]
    assert set(batch.quality.tolist()) == {Quality.REFERENCE_ERR}
    assert np.isnan(batch.value).all()


SWITCH = point("a.start", PointKind.BINARY_OUTPUT, BOOLEAN)
SETPOINT = point("a.setpoint", PointKind.ANALOG_OUTPUT, DATA_TYPES["int16"])


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        (Crob(CrobOperation.LATCH_ON), (Step(True),)),
        (Crob(CrobOperation.LATCH_OFF), (Step(False),)),
        (Crob(CrobOperation.PULSE_ON, on_ms=250), (Step(True, 0.25), Step(False))),
        (Crob(CrobOperation.PULSE_ON), (Step(True),)),
        (Crob(CrobOperation.PULSE_ON, TripClose.CLOSE, on_ms=100), (Step(True),)),
        (Crob(CrobOperation.PULSE_ON, TripClose.TRIP, on_ms=100), (Step(False),)),
    ],
)
def test_a_control_block_is_a_row_of_writes(body: Crob, steps: tuple[Step, ...]) -> None:
    assert steps_of(SWITCH, body) == steps


def test_a_setpoint_is_one_write_of_its_type() -> None:
    assert steps_of(SETPOINT, AnalogValue(-12.0)) == (Step(-12),)


@pytest.mark.parametrize(
    ("of", "body"),
    [
        (SETPOINT, AnalogValue(40_000.0)),
        (SETPOINT, AnalogValue(float("nan"))),
        (SETPOINT, Crob(CrobOperation.LATCH_ON)),
        (SWITCH, AnalogValue(1.0)),
        (SWITCH, Crob(CrobOperation.NUL)),
        (SWITCH, Crob(CrobOperation.LATCH_ON, count=2)),
        (SWITCH, Crob(CrobOperation.PULSE_OFF, on_ms=100)),
        (SWITCH, Crob(CrobOperation.PULSE_ON, on_ms=3_600_000)),
    ],
)
def test_what_opc_ua_cannot_say_is_refused_before_it_leaves(of: Point, body: CommandBody) -> None:
    with pytest.raises(CannotEncode):
        steps_of(of, body)


ENGINE, START, STOP = (NodeName("urn:d", name) for name in ("Engine", "Start", "Stop"))
LATCH, PULSE, TRIP_CLOSE = (Pulse(style, 500) for style in (PulseStyle.LATCH, PulseStyle.PULSE, PulseStyle.TRIP_CLOSE))


def by_method(kind: PointKind, data_type: DataType, off: NodeName | None = None, pulse: Pulse = LATCH) -> Point:
    address = OpcUaAddress("urn:d", "Engine", data_type, methods=Methods(START, off, ENGINE))
    return Point("a.start", kind, pulse=pulse, address=address)


@pytest.mark.parametrize("pulse", [LATCH, PULSE, TRIP_CLOSE])
def test_on_and_off_call_a_method_each_where_there_are_two(pulse: Pulse) -> None:
    start = by_method(PointKind.BINARY_OUTPUT, BOOLEAN, STOP, pulse)
    assert order_of(start, crob_for(True, pulse)) == MethodCall(ENGINE, START)
    assert order_of(start, crob_for(False, pulse)) == MethodCall(ENGINE, STOP)


@pytest.mark.parametrize("pulse", [LATCH, TRIP_CLOSE])
def test_one_method_takes_on_and_off_as_its_argument(pulse: Pulse) -> None:
    breaker = by_method(PointKind.BINARY_OUTPUT, BOOLEAN, pulse=pulse)
    assert order_of(breaker, crob_for(True, pulse)) == MethodCall(ENGINE, START, True)
    assert order_of(breaker, crob_for(False, pulse)) == MethodCall(ENGINE, START, False)


def test_the_one_method_of_a_pulsed_point_is_called_for_on_alone() -> None:
    reset = by_method(PointKind.BINARY_OUTPUT, BOOLEAN, pulse=PULSE)
    assert order_of(reset, crob_for(True, PULSE)) == MethodCall(ENGINE, START)
    with pytest.raises(CannotEncode, match="off"):
        order_of(reset, crob_for(False, PULSE))


def test_a_value_is_the_argument_of_the_method() -> None:
    setpoint = by_method(PointKind.ANALOG_OUTPUT, DATA_TYPES["int16"])
    assert order_of(setpoint, AnalogValue(12.4)) == MethodCall(ENGINE, START, 12)
    with pytest.raises(CannotEncode):
        order_of(setpoint, AnalogValue(40_000.0))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (PointKind.ANALOG_OUTPUT, Crob(CrobOperation.LATCH_ON)),
        (PointKind.BINARY_OUTPUT, AnalogValue(1.0)),
        (PointKind.BINARY_OUTPUT, Crob(CrobOperation.LATCH_ON, count=2)),
        (PointKind.BINARY_OUTPUT, Crob(CrobOperation.NUL)),
    ],
)
def test_what_no_method_is_for_is_not_called(kind: PointKind, body: CommandBody) -> None:
    with pytest.raises(CannotEncode):
        order_of(by_method(kind, BOOLEAN, STOP), body)


def test_without_methods_an_order_is_written() -> None:
    plain = point("a.sp", PointKind.ANALOG_OUTPUT, DATA_TYPES["float"])
    assert order_of(plain, AnalogValue(1.5)) == (Step(1.5),)
