"""An outstation under event load is killed at random instants, again and again, while masters read from it.

``python -m tests.scenario.kill_events --kills 200`` (with ``--opendnp3`` a second, independent master reads beside the
scripted one; it needs the extra ``peers``).

What is asked of every master's record over all lives:

- none missing: an event counts as made once `Dnp3Outstation.settled` returned after the update that made it and the
  process said so. Each of those has come when the last life is over.
- none repeated after its confirmation: an event does not come again once the master got anything that the outstation
  can only have sent after it took the confirmation. Where a kill falls between confirmation and that sign, nobody can
  know whether it was taken; such repetitions are counted and told apart.
- order: events come first in the order in which they were made.
"""

import argparse
import asyncio
import random
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.scenario.kill_events_judge import Judge, Made
from tests.scenario.kill_events_masters import OpenDnp3Master, ScriptedMaster
from tests.scenario.kill_events_outstation import EPOCH_MS, OPENDNP3, SCRIPTED
from vppscada.points.journal import Journal

_NUMBERS_OF_A_LIFE = 1_000_000
_LAST_LIFE_S = 120.0
_START_S = 60.0


@dataclass
class Report:
    """What happened."""

    kills: int
    made: Made
    judges: dict[str, Judge]
    left_on_disk: dict[str, set[int]]

    def faults(self) -> list[str]:
        """Every fault of every master."""
        found = [f"{name}: {fault}" for name, judge in self.judges.items() for fault in judge.verdict(self.made)]
        for name, left in self.left_on_disk.items():
            back = left & self.judges[name].proved
            found += [f"{name}: {len(back)} confirmed events are still on disk"] if back else []
        return found

    def lines(self) -> list[str]:
        """For people."""
        told = [f"{self.kills} kills, {len(self.made.made)} events known to be on disk when they were made"]
        for name, judge in self.judges.items():
            counts = ", ".join(f"{word} {count}" for word, count in sorted(judge.counts.items()))
            told.append(f"{name}: {len(judge.received)} different events; {counts}")
            told.append(f"{name}: missing {len(judge.missing(self.made))}, faults {len(judge.verdict(self.made))}")
        return told + self.faults()


class Outstation:
    """Lives of the process that is killed."""

    def __init__(self, directory: Path, port: int, made: Made, seed: int) -> None:
        self._directory = directory
        self._port = port
        self._made = made
        self._chance = random.Random(seed)
        self._life = 0

    async def live_and_die(self) -> None:
        """A life under load with a random end, sometimes before it listens."""
        process, hearing, listening = await self._start("busy")
        if self._chance.random() > 0.05:
            async with asyncio.timeout(_START_S):
                await listening.wait()
            await asyncio.sleep(self._chance.uniform(0.0, 0.8))
        else:
            await asyncio.sleep(self._chance.uniform(0.2, 1.0))
        await _kill(process, hearing)

    async def last_life(self, judges: list[Judge]) -> None:
        """A life that makes nothing and ends when all was read, or never will be."""
        process, hearing, listening = await self._start("quiet")
        try:
            async with asyncio.timeout(_START_S + _LAST_LIFE_S):
                await listening.wait()
                while any(judge.missing(self._made) for judge in judges):  # noqa: ASYNC110  # what comes is no event
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pass  # the verdict says what is missing
        await asyncio.sleep(1.0)  # for what would come twice
        await _kill(process, hearing)

    async def _start(self, how: str) -> tuple[asyncio.subprocess.Process, "asyncio.Task[None]", asyncio.Event]:
        self._life += 1
        first = self._life * _NUMBERS_OF_A_LIFE
        words = (str(self._directory), str(self._port), str(first), str(self._life), how)
        module = "tests.scenario.kill_events_outstation"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        listening = asyncio.Event()
        return process, asyncio.create_task(self._hear(process, listening)), listening

    async def _hear(self, process: asyncio.subprocess.Process, listening: asyncio.Event) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if line == b"listening\n":
                listening.set()
            elif line.endswith(b"\n"):
                self._made.hear(line.decode())


async def _kill(process: asyncio.subprocess.Process, hearing: "asyncio.Task[None]") -> None:
    process.kill()
    await process.wait()
    await hearing


async def demonstrate(directory: Path, kills: int, *, seed: int, with_opendnp3: bool) -> Report:
    """Kill so often, then let the masters read the rest."""
    made, port = Made(), _free_port()
    scripted = ScriptedMaster(port, seed)
    masters: dict[str, ScriptedMaster | OpenDnp3Master] = {str(SCRIPTED): scripted}
    if with_opendnp3:
        masters[str(OPENDNP3)] = OpenDnp3Master(port)
    reading = [asyncio.create_task(master.run()) for master in masters.values()]
    outstation = Outstation(directory, port, made, seed)
    try:
        for _ in range(kills):
            await outstation.live_and_die()
            broken = next((task for task in reading if task.done()), None)
            if broken is not None:
                broken.result()
        scripted.behave()
        await outstation.last_life([master.judge for master in masters.values()])
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    judges = {name: master.judge for name, master in masters.items()}
    return Report(kills, made, judges, {name: _left(directory, name) for name in masters})


def _left(directory: Path, master: str) -> set[int]:
    """Numbers of the events that a master's store holds."""
    journal = Journal.open(directory)
    try:
        return {int(time) - EPOCH_MS for time in journal.event_store(f"killed/{master}").load().time_ms}
    finally:
        journal.close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--opendnp3", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        made = demonstrate(Path(directory), chosen.kills, seed=chosen.seed, with_opendnp3=chosen.opendnp3)
        report = asyncio.run(made)
    print("\n".join(report.lines()))
    return 1 if report.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
