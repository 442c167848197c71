"""An outstation that makes events without end and says which of them it made: the process that is killed.

``python -m tests.scenario.kill_events_outstation DIRECTORY PORT FIRST SEED quiet|busy`` makes readings whose numbers
begin with FIRST. Every reading has a number of its own, which is its time and, where the kind can hold it, its value.
It says ``making A B`` before the outstation gets the readings A to B-1, ``made A B`` when it has told that their events
are on disk, and ``listening`` when masters can come.
"""

import asyncio
import os
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality
from vppscada.points.journal import Journal
from vppscada.station.runtime import run

OUTSTATION, SCRIPTED, OPENDNP3 = 10, 2, 1
EPOCH_MS = 1_767_225_600_000
_KINDS = (
    (PointKind.BINARY_INPUT, 1, 2),
    (PointKind.DOUBLE_BIT_INPUT, 1, 2),
    (PointKind.ANALOG_INPUT, 2, 8),
    (PointKind.COUNTER, 3, 5),
)
_OF_EACH = 8
Rows = NDArray[np.intp]
POINTS = [
    Point(f"a.{kind.value}{n}", kind, event_class=event_class, address=Dnp3Address(n, None, event))
    for kind, event_class, event in _KINDS
    for n in range(_OF_EACH)
]
ROWS = [RowPoint(row, point) for row, point in enumerate(POINTS)]


class _Nobody:
    """There is nothing to command."""

    async def select(self, command: Command) -> CommandStatus:
        return CommandStatus.NOT_SUPPORTED

    async def operate(self, command: Command) -> CommandStatus:
        return CommandStatus.NOT_SUPPORTED


def settings(port: int) -> Dnp3OutstationSettings:
    """Two masters with buffers that do not overflow."""
    common = Dnp3OutstationSettings(
        port=port, local_address=OUTSTATION, max_events=1_000_000, trust_local_clock=True, confirm_timeout_s=30.0
    )
    scripted = replace(common, master_address=SCRIPTED, max_fragment=300)  # many fragments to a response
    return replace(common, masters=(replace(common, master_address=OPENDNP3), scripted))


def tell(*words: object) -> None:
    """One line, at once and whole."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Maker:
    """Makes events whose number nobody else gets."""

    def __init__(self, outstation: Dnp3Outstation, first: int, seed: int) -> None:
        self._outstation = outstation
        self._number = first
        self._chance = random.Random(seed)
        self._state = np.zeros(len(POINTS))

    def prime(self) -> None:
        """Say what every point shows. It is an event where the outstation remembers that it told something else."""
        batch = self._batch(np.arange(len(POINTS)))
        self._outstation.update(batch)

    async def make(self) -> None:
        """Some readings, each of which is an event."""
        count = self._chance.randint(1, 40)
        first = self._number
        batch = self._batch(np.array([self._chance.randrange(len(POINTS)) for _ in range(count)], dtype=np.intp))
        self._outstation.update(batch)
        await self._outstation.settled()
        tell("made", first, self._number)
        await asyncio.sleep(self._chance.choice((0.0, 0.0, 0.01)))

    def _batch(self, rows: Rows) -> Batch:
        """A reading of each of these rows, in this order."""
        numbers = np.arange(self._number, self._number + len(rows))
        tell("making", self._number, self._number + len(rows))
        self._number += len(rows)
        return Batch(
            rows,
            np.array([self._next(row, number) for row, number in zip(rows.tolist(), numbers.tolist(), strict=True)]),
            np.full(len(rows), Quality.ONLINE, dtype=np.uint16),
            EPOCH_MS + numbers,
            np.full(len(rows), TimeQuality.SYNCHRONISED, dtype=np.uint8),
            time.time_ns() // 1_000_000,
            Cause.EVENT,
        )

    def _next(self, row: int, number: int) -> float:
        """The number where the kind can hold it; of a state, the other one."""
        if row >= 2 * _OF_EACH:
            return float(number)
        self._state[row] = 1.0 - self._state[row]
        return float(self._state[row] + (row >= _OF_EACH))


async def main(directory: Path, port: int, first: int, seed: int, quiet: bool) -> None:
    """Until killed."""
    journal = Journal.open(directory)
    outstation = Dnp3Outstation(
        "killed", settings(port), ROWS, _Nobody(), lambda master: journal.event_store(f"killed/{master}")
    )
    await outstation.start()
    tell("listening")
    maker = Maker(outstation, first, seed)
    maker.prime()
    while not quiet:
        await maker.make()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "quiet"))
