"""A running station, spoken to through the socket in its state directory."""

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from vppscada.model.errors import VppscadaError
from vppscada.station.local_api import SOCKET_NAME

_ANSWER_S = 15.0


class StationError(VppscadaError):
    """No station answers there, or it does not do what was asked."""


class StationClient:
    """One connection; used with ``with``. Blocks."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / SOCKET_NAME
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._id = 0

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            StationError: no station listens there.
        """
        self._socket.settimeout(_ANSWER_S)
        try:
            self._socket.connect(str(self._path))
        except OSError as error:
            self._socket.close()
            raise StationError(f"no running station at {self._path}: {error}") from None
        self._lines = self._socket.makefile("rb")
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def call(
        self, method: str, params: Mapping[str, object] | None = None, timeout_s: float = _ANSWER_S
    ) -> dict[str, Any]:
        """The result of one request. ``timeout_s`` is longer than the request may take.

        Raises:
            StationError: a fault in the station's words, or no answer in time.
        """
        self._id += 1
        request = {"id": self._id, "method": method, "params": params or {}}
        self._socket.settimeout(timeout_s)
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            answer = self._read()
        except OSError as error:
            raise StationError(f"the station at {self._path} did not answer: {error or 'too slow'}") from None
        if "fault" in answer:
            raise StationError(f"the station refused {method}: {answer['fault']}")
        result: dict[str, Any] = answer["result"]
        return result

    def points(self, names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """The state of points by full id, or of every point of an asset by its name; without names of all.

        Raises:
            StationError: as `call`.
        """
        for page in self.pages("points", {"points": list(names) or None}):
            yield from page["points"]

    def pages(self, method: str, params: Mapping[str, object] | None = None) -> Iterator[dict[str, Any]]:
        """The results of a method that answers page by page.

        Raises:
            StationError: as `call`.
        """
        offset: int | None = 0
        while offset is not None:
            page = self.call(method, {**(params or {}), "offset": offset})
            yield page
            offset = page["next"]

    def watch(self, names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """How points stand, and from then on each change, for as long as the station runs.

        Raises:
            StationError: as `call`, and when the station is gone.
        """
        for changes in self.changes(names, None):
            yield from changes

    def changes(self, names: Sequence[str], deadline: float | None) -> Iterator[list[dict[str, Any]]]:
        """As `watch`, in the portions that the station sends, up to a monotonic time.

        Raises:
            StationError: as `watch`.
        """
        self.call("watch", {"points": list(names) or None})
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return
            self._socket.settimeout(left)
            try:
                answer = self._read()
            except TimeoutError:
                return
            if "fault" in answer:
                raise StationError(f"the station ended the watch: {answer['fault']}")
            yield answer["changes"]

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise StationError(f"the station at {self._path} hung up")
        answer: dict[str, Any] = json.loads(line)
        return answer
