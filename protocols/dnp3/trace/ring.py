"""A ring of files: what is put in is written by one thread for all rings, so that no disk holds up the loop.

A full or broken disk costs what could not be written, one line in the log, and a count; nothing else.
"""

import atexit
import queue
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

log = structlog.get_logger()

#: Octets of one ring that may wait for the disk; what comes beyond is lost and counted.
MOST_WAITING = 4 * 1024 * 1024
#: The thread lets octets gather for so long, so that it wakes seldom.
_GATHER_S = 0.05
#: After a failure nothing is tried for so long.
_RETRY_S = 10.0
_SUFFIX = ".pcapng"
_NUMBERED = re.compile(r".+-\d{6,}")


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Where a channel is recorded: a folder, which is made, and how much is kept of each medium (the newest)."""

    folder: Path
    files: int = 8
    file_mb: int = 16


class Ring:
    """The files of one medium: ``name-000001.pcapng`` and so on; ``begin`` makes what every file starts with."""

    def __init__(self, settings: TraceSettings, name: str, begin: Callable[[], bytes]) -> None:
        self.lost = 0  # octets that were not written
        self._settings = settings
        self._name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("._") or "channel"
        self._begin = begin
        self._limit = settings.file_mb * 1_000_000
        self._waiting = 0  # octets given to the thread; the loop adds, the thread takes away
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._size = 0
        self._unwritten = 0  # of what is being written
        self._number = 0
        self._failed_at: float | None = None
        self._told = False

    @property
    def waiting(self) -> int:
        """Octets that wait for the disk."""
        return self._waiting

    def put(self, octets: bytes) -> None:
        """Have these octets (whole blocks) written; never waits."""
        with self._lock:
            if self._waiting + len(octets) > MOST_WAITING:
                self.lost += len(octets)
                return
            self._waiting += len(octets)
        _WRITER.put(self, octets)

    def files(self) -> list[Path]:
        """The files that are there, oldest first."""
        return ring_files(self._settings.folder, self._name)

    # what the thread calls

    def write(self, pieces: list[bytes]) -> None:
        """Write pieces, in as many files as it takes."""
        size = sum(map(len, pieces))
        with self._lock:
            self._waiting -= size
        if self._failed_at is not None and time.monotonic() - self._failed_at < _RETRY_S:
            self._lose(size)
            return
        self._unwritten = size
        try:
            self._write_all(pieces)
        except OSError as error:
            self._fail(error)
            return
        self._failed_at = None
        if self._told:
            self._told = False
            log.info("trace_resumed", ring=self._name)

    def _write_all(self, pieces: list[bytes]) -> None:
        together: list[bytes] = []
        size = 0
        for piece in pieces:
            if self._file is None or self._size + size + len(piece) > self._limit:
                self._flush(together, size)
                together, size = [], 0
                self._open_next()
            together.append(piece)
            size += len(piece)
        self._flush(together, size)

    def _flush(self, together: list[bytes], size: int) -> None:
        if self._file is not None and size:
            self._file.write(b"".join(together))
            self._file.flush()
            self._size += size
            self._unwritten -= size

    def _open_next(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        folder = self._settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        there = self.files()
        last = _number_of(there[-1]) if there else 0
        self._number = max(self._number, last) + 1
        for old in there[: max(0, len(there) - self._settings.files + 1)]:
            old.unlink(missing_ok=True)
        beginning = self._begin()
        self._file = (folder / f"{self._name}-{self._number:06}{_SUFFIX}").open("xb")
        self._file.write(beginning)
        self._size = len(beginning)

    def _fail(self, error: OSError) -> None:
        self._failed_at = time.monotonic()
        self._lose(self._unwritten)
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # it is the same disk that failed just now
                file.close()
        if not self._told:
            self._told = True
            log.warning("trace_failed", ring=self._name, folder=str(self._settings.folder), reason=str(error))

    def _lose(self, size: int) -> None:
        with self._lock:
            self.lost += size


def ring_files(folder: Path, name: str = "") -> list[Path]:
    """The files of a ring, oldest first; of every ring in the folder where no name is given."""
    numbered = [path for path in folder.glob(f"*{_SUFFIX}") if _NUMBERED.fullmatch(path.stem)]
    ours = [path for path in numbered if not name or path.stem.rpartition("-")[0] == name]
    return sorted(ours, key=lambda path: (path.stem.rpartition("-")[0], _number_of(path)))


def _number_of(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


class _Writer:
    """The one thread; it is started by the first octets that are put."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Ring, bytes] | threading.Event] = queue.SimpleQueue()
        self._started = False

    def put(self, ring: Ring, octets: bytes) -> None:
        """Called by the loop."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name="trace", daemon=True).start()
            atexit.register(self.flush)
        self._queue.put((ring, octets))

    def flush(self, timeout_s: float = 2.0) -> bool:
        """Wait until everything put so far is written (or lost); False if that took too long."""
        if not self._started:
            return True
        done = threading.Event()
        self._queue.put(done)
        return done.wait(timeout_s)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if not isinstance(first, threading.Event):
                time.sleep(_GATHER_S)
            self._write([first, *self._rest()])

    def _rest(self) -> list[tuple[Ring, bytes] | threading.Event]:
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._queue.get_nowait())
        return found

    def _write(self, found: list[tuple[Ring, bytes] | threading.Event]) -> None:
        by_ring: dict[Ring, list[bytes]] = {}
        for one in found:
            if not isinstance(one, threading.Event):
                by_ring.setdefault(one[0], []).append(one[1])
        for ring, pieces in by_ring.items():
            try:
                ring.write(pieces)
            except Exception:
                # a trace must never end because of one ring
                log.exception("trace_failed")
        for one in found:
            if isinstance(one, threading.Event):
                one.set()


_WRITER = _Writer()
flush = _WRITER.flush
