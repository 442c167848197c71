"""The points of a session by scan class: each class with reads and columns of its own."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protocols.modbus.config import ModbusAddress
from protocols.modbus.layout import Index, Layout, address_of, layout_of
from protocols.modbus.plan import Limits, Plan, plan_reads
from protocols.modbus.settings import ModbusSessionSettings, ScanClass
from vppscada.model.batch import TimeQualityColumn, TimesMs
from vppscada.model.errors import CellFault
from vppscada.model.points import Point, RowPoint
from vppscada.model.quality import TimeQuality


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What is read together. The scale factors of its points are read with them, whatever their own class.

    The first ``len(rows)`` points of the layout are told, at those rows of the database; scale factors of other
    classes follow them.
    """

    scan_class: ScanClass
    points: tuple[Point, ...]
    rows: Index
    plan: Plan
    layout: Layout
    no_times: TimesMs
    no_time_quality: TimeQualityColumn


def groups_of(points: Sequence[RowPoint], settings: ModbusSessionSettings) -> tuple[Group, ...]:
    """Plan the reads of all points; classes without points have no group.

    Raises:
        ValueError: a point names a scan class or a scale factor that is not there, lies in a hole, or is longer than
            a read may be.
    """
    classes = {one.name: one for one in settings.every_class}
    members: dict[str, list[RowPoint]] = defaultdict(list)
    for row_point in points:
        name = address_of(row_point.point).scan_class
        if name not in classes:
            raise ValueError(f"{row_point.point.id}: there is no scan class {name}")
        members[name].append(row_point)
    by_id = {row_point.point.id: row_point.point for row_point in points}
    limits = Limits(settings.max_registers, settings.max_bits, settings.max_gap, settings.holes)
    found = [_group(one, members[one.name], by_id, limits) for one in settings.every_class if one.name in members]
    return tuple(found) or (_group(settings.every_class[0], [], by_id, limits),)


def _group(scan_class: ScanClass, told: Sequence[RowPoint], by_id: dict[str, Point], limits: Limits) -> Group:
    points = {row_point.point.id: row_point.point for row_point in told}
    for row_point in told:
        holder = holder_of(row_point.point)
        if holder in by_id:
            points.setdefault(holder, by_id[holder])
    plan = plan_reads([address_of(point) for point in points.values()], limits)
    rows = np.array([row_point.row for row_point in told], dtype=np.intp)
    every = tuple(points.values())
    n = len(rows)
    no_times = np.zeros(n, dtype=np.int64)
    no_time_quality = np.full(n, TimeQuality.NONE, dtype=np.uint8)
    for column in (rows, no_times, no_time_quality):  # every batch has the same
        column.flags.writeable = False
    return Group(scan_class, every, rows, plan, layout_of(every, plan.positions), no_times, no_time_quality)


def holder_of(point: Point) -> str:
    """The id of the point that holds its scale factor; empty if it has none."""
    name = address_of(point).scale_factor
    return f"{point.asset}.{name}" if name else ""


def address_faults(settings: ModbusSessionSettings, address: ModbusAddress) -> tuple[CellFault, ...]:
    """What keeps a session from reading an address."""
    faults: list[CellFault] = []
    names = [one.name for one in settings.scan_classes]
    if address.scan_class and address.scan_class not in names:
        expected = "nothing, or one of its scan classes: " + (", ".join(names) or "it has none")
        faults.append(CellFault("scan_class", repr(address.scan_class), expected))
    if not address.table.is_bits and address.registers > settings.max_registers:
        expected = f"at most {settings.max_registers} registers, as max_registers has it"
        faults.append(CellFault("data_type", repr(address.data_type.name), expected))
    end = address.register + address.registers
    for hole in settings.holes:
        if hole.table is address.table and hole.start < end and address.register < hole.end:
            expected = f"a register outside the hole {hole.start}-{hole.end - 1}"
            faults.append(CellFault("register", repr(str(address.register)), expected))
    return tuple(faults)
