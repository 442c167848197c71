"""Control requests of a master: which objects can be asked for at all, and the answer that echoes them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.application import Indication
from protocols.dnp3.objects import ObjectHeader, echo_with_status, read_commands
from protocols.dnp3.outstation.points import PointTable
from vppscada.model.commands import AnalogValue, CommandBody, CommandStatus
from vppscada.model.points import PointKind

_KIND = {12: PointKind.BINARY_OUTPUT, 41: PointKind.ANALOG_OUTPUT}


@dataclass(frozen=True, slots=True)
class Asked:
    """One object that may go to the handler: where its status belongs, its point's row, and its body."""

    position: int
    row: int
    body: CommandBody


@dataclass(frozen=True, slots=True, eq=False)
class ControlPlan:
    """A control request taken apart. ``statuses`` has one entry per object of all headers, in order."""

    headers: Sequence[ObjectHeader]
    statuses: NDArray[np.uint8]
    asked: Sequence[Asked]
    indications: Indication = Indication.NONE

    def answer(self) -> bytes:
        """The request's objects with their statuses."""
        pieces: list[bytes] = []
        first = 0
        for header in self.headers:
            pieces.append(echo_with_status(header, self.statuses[first : first + header.count]))
            first += header.count
        return b"".join(pieces)

    @property
    def succeeded(self) -> bool:
        """True if every object has status SUCCESS."""
        return bool(len(self.statuses)) and not any(self.statuses.tobytes())

    def commanded(self) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.uint8]]:
        """Rows of the points that the handler was asked about, what was asked of them, and their statuses."""
        rows = np.array([asked.row for asked in self.asked], dtype=np.intp)
        values = np.array([_commanded_value(asked.body) for asked in self.asked])
        return rows, values, self.statuses[[asked.position for asked in self.asked]]

    def refusal(self) -> Indication:
        """IIN2.2 goes with points or operations that do not exist (procedure 8.2.1.2.3 of the conformance tests)."""
        unknown = CommandStatus.NOT_SUPPORTED in self.statuses.tobytes()
        return Indication.PARAMETER_ERROR if unknown else Indication.NONE

    def refuse(self, status: CommandStatus) -> None:
        """Give every object one status; those beyond the most that a request may have keep theirs."""
        self.statuses[self.statuses != CommandStatus.TOO_MANY_OPS] = status


def plan_controls(headers: Sequence[ObjectHeader], table: PointTable, most: int) -> ControlPlan:
    """Take a control request apart; objects that cannot be asked for have their status already."""
    for header in headers:
        if header.group not in _KIND:
            return _refused(Indication.OBJECT_UNKNOWN)
        if not header.is_indexed or not header.count:
            return _refused(Indication.PARAMETER_ERROR)
    if not headers:
        return _refused(Indication.PARAMETER_ERROR)
    statuses = np.zeros(sum(header.count for header in headers), dtype=np.uint8)
    asked: list[Asked] = []
    position = 0
    for header in headers:
        for index, body in read_commands(header):
            row = table.row_of.get((_KIND[header.group], index))
            status = _admit(table, row, body) if position < most else CommandStatus.TOO_MANY_OPS
            if status is CommandStatus.SUCCESS and row is not None and body is not None:
                asked.append(Asked(position, row, body))
            statuses[position] = status
            position += 1
    return ControlPlan(headers, statuses, asked)


def _commanded_value(body: CommandBody) -> float:
    """The value in device units, or the state that a block asks for."""
    return body.value if isinstance(body, AnalogValue) else float(body.wants_on)


def _admit(table: PointTable, row: int | None, body: CommandBody | None) -> CommandStatus:
    if row is None or body is None or not table.points[row].writable:
        return CommandStatus.NOT_SUPPORTED
    if isinstance(body, AnalogValue) and not math.isfinite(body.value):
        return CommandStatus.OUT_OF_RANGE
    return CommandStatus.SUCCESS


def _refused(indications: Indication) -> ControlPlan:
    return ControlPlan((), np.empty(0, dtype=np.uint8), (), indications)
