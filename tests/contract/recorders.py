"""What stands on both sides of a session in the contract tests: a listener and a command handler that remember."""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from vppscada.model.batch import Batch, Cause, untimed_batch
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.quality import Quality, is_fit

#: Nothing that a test waits for takes this long, unless it is broken.
PATIENCE_S = 20.0


class Waiting:
    """Something that changes; tests wait for a condition on it instead of sleeping."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Let those who wait look again."""
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; fails the test if it never does."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Recorder(Waiting):
    """A listener: the calls in their order, and the last reading of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.batches: list[Batch] = []
        self.value: dict[int, float] = {}
        self.quality: dict[int, int] = {}

    def on_connected(self) -> None:
        self.calls.append("connected")
        self.changed()

    def on_started(self) -> None:
        self.calls.append("started")
        self.changed()

    def on_batch(self, batch: Batch) -> None:
        self.calls.append("batch")
        self.batches.append(batch)
        for row, value, quality in zip(batch.rows.tolist(), batch.value.tolist(), batch.quality.tolist(), strict=True):
            self.value[row] = value
            self.quality[row] = quality
        self.changed()

    async def settled(self) -> None:
        self.calls.append("settled")

    def starts(self) -> int:
        """How often the start-up order was done."""
        return self.calls.count("started")

    def is_good(self, row: int) -> bool:
        """True if the row was read and its last quality is fit to act on."""
        return row in self.quality and bool(is_fit(np.array([self.quality[row]], dtype=np.uint16))[0])

    def shows(self, row: int, value: float) -> bool:
        """True if the last reading of the row is good and this value."""
        return self.is_good(row) and self.value[row] == value


class Handler(Waiting):
    """A command handler: remembers what was operated and answers as told."""

    def __init__(self) -> None:
        super().__init__()
        self.selected: list[Command] = []
        self.operated: list[Command] = []
        self.answer = CommandStatus.SUCCESS
        self.fault: Exception | None = None

    async def select(self, command: Command) -> CommandStatus:
        self.selected.append(command)
        return self.answer

    async def operate(self, command: Command) -> CommandStatus:
        self.operated.append(command)
        self.changed()
        if self.fault is not None:
            raise self.fault
        return self.answer


def readings(rows: Sequence[int], values: Sequence[float], quality: Quality = Quality.ONLINE) -> Batch:
    """A batch as a simulated device makes it."""
    return untimed_batch(rows, values, quality, 0, Cause.CYCLIC)
