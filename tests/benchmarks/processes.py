"""Two processes that talk to each other, and what it costs them."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.dnp3_load import Load

#: Longer than any peer takes to begin and to end, beside what it measures.
_PATIENCE_S = 90.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LOWEST_PORT, _HIGHEST_PORT = 20_000, 32_000  # below those that the system hands out


class PeerEndedError(RuntimeError):
    """A process of a benchmark is gone."""


class Peer:
    """One process of a benchmark."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.base_kb = 0

    def until(self, word: str) -> None:
        """Read its lines up to this one."""
        while (line := self._line()) != word:
            if line.startswith("base "):
                self.base_kb = int(line.split()[1])

    def go(self) -> None:
        """Tell it to begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def figures(self) -> dict[str, Any]:
        """Its last line."""
        found: dict[str, Any] = json.loads(self._line())
        return found

    def cpu_s(self) -> float:
        """Processor time of all its threads so far, user and system."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def grown_mb(self) -> float:
        """Memory (resident) that it took since its base."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return (int(line.split()[1]) - self.base_kb) / 1024
        raise PeerEndedError("the process is gone")

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerEndedError(f"{self._process.args!r} ended before its time")
        return line.strip()


@dataclass(frozen=True, slots=True)
class Run:
    """What a master said, and what both ends cost from ``begin`` to there."""

    figures: dict[str, Any]
    master_cpu_s: float
    outstation_cpu_s: float
    grown_mb: float  # both together

    @property
    def cpu_s(self) -> float:
        """Processor time of both ends."""
        return self.master_cpu_s + self.outstation_cpu_s


def run_pair(outstation: str, master: str, role: str, load: Load) -> Run:
    """One run of a fresh master in a ``role`` with a fresh outstation; both are names of modules.

    A pair that says nothing any more is killed and another one tried, once: opendnp3's do that now and then.

    Raises:
        PeerEndedError: that one ended before its time, too.
    """
    try:
        return _run_once(outstation, master, role, load)
    except PeerEndedError:
        return _run_once(outstation, master, role, load)


def _run_once(outstation: str, master: str, role: str, load: Load) -> Run:
    argument, patience_s = load.as_argument(), load.seconds + _PATIENCE_S
    with started(outstation, argument, patience_s=patience_s) as server:
        server.until("ready")
        with started(master, role, argument, patience_s=patience_s) as client:
            client.until("begin")
            server.go()
            before = client.cpu_s(), server.cpu_s()
            figures = client.figures()
            after = client.cpu_s(), server.cpu_s()
            grown_mb = client.grown_mb() + server.grown_mb()
    return Run(figures, after[0] - before[0], after[1] - before[1], grown_mb)


@contextlib.contextmanager
def started(module: str, *arguments: str, patience_s: float = 3 * _PATIENCE_S) -> Iterator[Peer]:
    """A module's process, killed in the end, or when ``patience_s`` are over: some peers hang."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        end = threading.Timer(patience_s, process.kill)
        end.start()
        try:
            yield Peer(process)
        finally:
            end.cancel()
            process.kill()


def alternated(repeats: int, sides: Sequence[Callable[[], Run]]) -> list[list[Run]]:
    """Every side so many times, in turn, so that what else the machine does falls on all of them alike."""
    runs: list[list[Run]] = [[] for _ in sides]
    for _ in range(repeats):
        for side, found in zip(sides, runs, strict=True):
            found.append(side())
    return runs


def median_of(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    """The median of a figure over runs."""
    return statistics.median(figure(run) for run in runs)


def free_ports(count: int = 1) -> int:
    """The first of so many consecutive ports that are free now.

    Raises:
        OSError: there are none.
    """
    first = _LOWEST_PORT + os.getpid() % 1000
    while first + count <= _HIGHEST_PORT:
        taken = next((port for port in range(first + count - 1, first - 1, -1) if not _is_free(port)), None)
        if taken is None:
            return first
        first = taken + 1
    raise OSError(f"no {count} consecutive ports are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
