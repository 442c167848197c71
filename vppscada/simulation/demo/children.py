"""The processes of the demo: started with the same clock and ports, watched, and ended by their id."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

log = structlog.get_logger()

_PATIENCE_S = 5.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One process and what became of it."""

    name: str
    arguments: tuple[str, ...]
    log_file: Path
    process: asyncio.subprocess.Process | None = None
    wanted: bool = False  # it should be running
    exits: list[int] = field(default_factory=list)  # unexpected ones

    @property
    def running(self) -> bool:
        """True while its process lives."""
        return self.process is not None and self.process.returncode is None


class Children:
    """Starts, watches and ends processes. ``died`` hears of every end that nobody wanted."""

    def __init__(self, died: Callable[[Child], None]) -> None:
        self.all: list[Child] = []
        self._died = died
        self._watches: set[asyncio.Task[None]] = set()

    async def start(self, name: str, arguments: Sequence[str], log_file: Path) -> Child:
        """Start ``python -m vppscada.admin.command_line ARGUMENTS`` with its logs in a file."""
        child = Child(name, tuple(arguments), log_file)
        self.all.append(child)
        await self.restart(child)
        return child

    async def restart(self, child: Child) -> None:
        """Start its process (again)."""
        with child.log_file.open("ab") as log_file:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "vppscada.admin.command_line",
                *child.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,  # Ctrl-C is for the demo, which ends them in order
                preexec_fn=partial(_die_with_parent, os.getpid()),
            )
        child.wanted = True
        watch = asyncio.create_task(self._watch(child, child.process))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        log.info("child_started", child=child.name, pid=child.process.pid)

    async def _watch(self, child: Child, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if child.wanted and child.process is process:
            child.exits.append(code)
            log.warning("child_died", child=child.name, code=code, log=str(child.log_file))
            self._died(child)

    async def kill(self, child: Child) -> None:
        """End it without warning, as a power cut would."""
        child.wanted = False
        if child.process is not None and child.running:
            with contextlib.suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()

    async def stop(self, child: Child) -> None:
        """Ask it to end; end it if it does not."""
        child.wanted = False
        process = child.process
        if process is None or not child.running:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await process.wait()
        except TimeoutError:
            log.warning("child_killed", child=child.name, reason=f"did not end within {_PATIENCE_S:.0f} s")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def stop_all(self) -> None:
        """The last started first, the devices together."""
        for child in self.all[-1:]:
            await self.stop(child)
        await asyncio.gather(*(self.stop(child) for child in self.all[:-1]))
        await asyncio.gather(*self._watches)


def has_logged(child: Child, word: str) -> bool:
    """Whether an event of that name is in the child's log."""
    with contextlib.suppress(OSError):
        return word.encode() in child.log_file.read_bytes()
    return False


def last_lines(child: Child, count: int = 3) -> str:
    """The end of its log, for who wants to know why it died."""
    with contextlib.suppress(OSError):
        return " | ".join(child.log_file.read_text(errors="replace").strip().splitlines()[-count:])
    return ""


def _die_with_parent(parent: int) -> None:
    """In the child before it runs: have the system end it if the demo is killed, or has been already."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
