"""Reading what travelled: captures, octets in hexadecimal, and a station's trace files, also while it writes them."""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from vppscada.model.drivers import TraceDecoder
from vppscada.model.errors import VppscadaError
from vppscada.station.drivers import DECODERS

_PIECE = 1 << 16
_LOOK_AGAIN_S = 0.25
_NUMBERED = re.compile(r"(.+)-(\d{6,})")


def decode(options: argparse.Namespace) -> int:
    """Print the lines of every source; text that names no file is taken for octets in hexadecimal."""
    for octets in _sources(options.source):
        decoder = _decoder(options)
        for piece in octets:
            _print(decoder.feed(piece))
        _print(decoder.finish())
    return 0


def _print(lines: Iterator[str]) -> None:
    """Print, and end quietly once nobody reads any more (``| head``)."""
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # or the interpreter would complain of it once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def follow(options: argparse.Namespace) -> int:
    """Print the lines of a folder's trace files in the order in which they were written."""
    if not options.folder.is_dir():
        raise VppscadaError(f"{options.folder} is no folder")
    rings: dict[str, _Ring] = {}
    while True:
        for path in _numbered(options.folder):
            name, _ = _split(path)
            if options.name in ("", name) and name not in rings:
                rings[name] = _Ring(options.folder, name, options)
        for ring in rings.values():
            ring.read()
        if not options.follow:
            for ring in rings.values():
                ring.finish()
            return 0
        time.sleep(_LOOK_AGAIN_S)


class _Ring:
    """The files of one channel, read one after another; a file that has a successor is finished."""

    def __init__(self, folder: Path, name: str, options: argparse.Namespace) -> None:
        self._folder = folder
        self._name = name
        self._options = options
        self._number = -1
        self._file: BinaryIO | None = None
        self._decoder = _decoder(options)

    def read(self) -> None:
        """Print everything that is there and was not printed."""
        self._drain()
        for path in _numbered(self._folder):
            name, number = _split(path)
            if name == self._name and number > self._number:
                self._open(path, number)
                self._drain()

    def finish(self) -> None:
        """Print what the last file ends with."""
        if self._file is not None:
            _print(self._decoder.finish())
            self._file.close()
            self._file = None

    def _open(self, path: Path, number: int) -> None:
        self._drain()
        self.finish()
        self._number = number
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            return  # the ring took it away
        self._decoder = _decoder(self._options)

    def _drain(self) -> None:
        if self._file is not None:
            while piece := self._file.read(_PIECE):
                _print(self._decoder.feed(piece))


def _split(path: Path) -> tuple[str, int]:
    found = _NUMBERED.fullmatch(path.stem)
    return (found[1], int(found[2])) if found else (path.stem, 0)


def _numbered(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("*.pcapng") if _NUMBERED.fullmatch(path.stem)]
    return sorted(found, key=_split)


def _sources(words: list[str]) -> Iterator[Iterable[bytes]]:
    """The octets of each file; of standard input; or of all words together, where none of them is a file."""
    if words == ["-"]:
        yield _pieces(sys.stdin.buffer)
        return
    missing = [word for word in words if not Path(word).is_file()]
    if not missing:
        for word in words:
            with Path(word).open("rb") as file:
                yield _pieces(file)
        return
    named = [word for word in missing if "/" in word or "." in word]
    if named or len(missing) < len(words):
        raise VppscadaError(f"no such file: {(named or missing)[0]}")
    yield [" ".join(words).encode()]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _decoder(options: argparse.Namespace) -> TraceDecoder:
    return DECODERS[options.protocol](options.json)
