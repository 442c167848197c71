"""From decoded items to batches, and from commands to the values that are written. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from protocols.opcua.config import Methods, NodeName, address_of
from protocols.opcua.data_types import CannotEncode
from protocols.opcua.decode import EPOCH_1601, Items
from protocols.opcua.status import quality_column
from vppscada.model.batch import Batch, Cause, Rows, untimed_batch
from vppscada.model.commands import CommandBody, Crob, CrobOperation, PulseStyle, TripClose
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality

#: A pulse longer than this is refused: it would outlive its command.
LONGEST_PULSE_MS = 60_000
_BINARY = (PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The points of a session in the order of their client handles, in columns."""

    points: tuple[Point, ...]
    rows: Rows
    binary: NDArray[np.bool_]
    text: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.points)


def layout_of(points: Sequence[RowPoint]) -> Layout:
    """The enabled points, those of one type side by side: that is what makes notifications quick to decode."""
    enabled = sorted(
        (each for each in points if each.point.enabled), key=lambda each: address_of(each.point).data_type.number
    )
    return Layout(
        points=tuple(each.point for each in enabled),
        rows=np.array([each.row for each in enabled], dtype=np.intp),
        binary=np.array([each.point.kind in _BINARY for each in enabled], dtype=np.bool_),
        text=np.array([each.point.kind is PointKind.STRING for each in enabled], dtype=np.bool_),
    )


def batch_of(items: Items, layout: Layout, received_time_ms: int, cause: Cause) -> Batch:
    """One batch of items whose handles count the points of the layout; others must not occur in it.

    A reading without a finite number is a reference error, unless the point is a text or the status says worse.
    """
    handle = items.handle
    quality = quality_column(items.status)
    value = items.value
    finite = np.isfinite(value)
    if not finite.all():
        wrong = ~finite & ~layout.text[handle]
        quality = quality | np.where(wrong & (items.status >> 30 == 0), np.uint16(Quality.REFERENCE_ERR), np.uint16(0))
    binary = layout.binary[handle] & finite
    if binary.any():
        value = np.where(binary, (value != 0.0).astype(np.float64), value)
    time_ms = np.where(items.source_time > EPOCH_1601, (items.source_time - EPOCH_1601) // 10_000, 0)
    rows = layout.rows[handle]
    return Batch(
        rows=rows,
        value=value,
        quality=quality,
        source_time_ms=time_ms,
        time_quality=np.where(time_ms > 0, np.uint8(TimeQuality.SYNCHRONISED), np.uint8(TimeQuality.NONE)),
        received_time_ms=received_time_ms,
        cause=cause,
        texts={int(rows[i]): text for i, text in items.texts.items() if layout.text[handle[i]]},
    )


def bad_batch(layout: Layout, handles: Sequence[int], quality: Quality, received_time_ms: int) -> Batch:
    """What is known of points that cannot be read: that they are bad."""
    rows = layout.rows[np.array(handles, dtype=np.intp)]
    return untimed_batch(rows, np.full(len(rows), np.nan), quality, received_time_ms, Cause.INTEGRITY)


@dataclass(frozen=True, slots=True)
class Step:
    """A value to be written and how long it stands; 0 = for good."""

    value: bool | int | float | datetime
    hold_s: float = 0.0


def steps_of(point: Point, body: CommandBody) -> tuple[Step, ...]:
    """The values to be written one after another for a command.

    A control block on a Boolean: a latch is one write; close and trip are true and false; a pulse with a time
    is true, then false, and one without a time is true alone (the device ends it by itself).

    Raises:
        CannotEncode: OPC UA has no such control, or the value does not go into the node's type.
    """
    data_type = address_of(point).data_type
    if not isinstance(body, Crob):
        if point.kind is not PointKind.ANALOG_OUTPUT:
            raise CannotEncode(f"a value is no command for a point of kind {point.kind}")
        return (Step(data_type.encode(body.value)),)
    if point.kind is not PointKind.BINARY_OUTPUT:
        raise CannotEncode(f"a control block is no command for a point of kind {point.kind}")
    return _control_steps(body)


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A method of an object to be called; its one argument, None for none."""

    target: NodeName
    method: NodeName
    argument: bool | int | float | datetime | None = None


def call_of(point: Point, methods: Methods, body: CommandBody) -> MethodCall:
    """The call that a command is, of a point that is commanded by methods.

    A value is the argument of the method. On and off call a method each, without argument, where there are two; the one
    method of a pulsed point is called for on, without argument; that of any other takes on and off as its argument.

    Raises:
        CannotEncode: there is no such call, or the value does not go into the argument's type.
    """
    data_type = address_of(point).data_type
    if not isinstance(body, Crob):
        if point.kind is not PointKind.ANALOG_OUTPUT:
            raise CannotEncode(f"a value is no command for a point of kind {point.kind}")
        return MethodCall(methods.object, methods.on, data_type.encode(body.value))
    if point.kind is not PointKind.BINARY_OUTPUT:
        raise CannotEncode(f"a control block is no command for a point of kind {point.kind}")
    if body.count != 1 or body.operation is CrobOperation.NUL:
        raise CannotEncode("a control that repeats, or one without an operation")
    if methods.off is not None:
        return MethodCall(methods.object, methods.on if body.wants_on else methods.off)
    if point.pulse.style is not PulseStyle.PULSE:
        return MethodCall(methods.object, methods.on, body.wants_on)
    if not body.wants_on:
        raise CannotEncode("off: a pulsed point with one method has none for it")
    return MethodCall(methods.object, methods.on)


def order_of(point: Point, body: CommandBody) -> MethodCall | tuple[Step, ...]:
    """What is sent for a command: a call where the point is commanded by methods, else values to be written.

    Raises:
        CannotEncode: OPC UA has no such control, or the value does not go into the node's type.
    """
    methods = address_of(point).methods
    return steps_of(point, body) if methods is None else call_of(point, methods, body)


def _control_steps(body: Crob) -> tuple[Step, ...]:
    if body.count != 1 or body.operation is CrobOperation.NUL:
        raise CannotEncode("a control that repeats, or one without an operation")
    if body.trip_close is not TripClose.NUL or body.operation in (CrobOperation.LATCH_ON, CrobOperation.LATCH_OFF):
        return (Step(body.wants_on),)
    if body.operation is CrobOperation.PULSE_OFF:
        raise CannotEncode("a pulse off: a Boolean node shows the pulse by being true")
    if body.on_ms > LONGEST_PULSE_MS:
        raise CannotEncode(f"a pulse of {body.on_ms} ms; at most {LONGEST_PULSE_MS}")
    return (Step(True, body.on_ms / 1000), Step(False)) if body.on_ms > 0 else (Step(True),)
