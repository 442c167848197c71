"""Loads, prices and forecasts from web servers: asked for again and again, kept as files, bounded in time and size.

What comes is read as the series that it should be before it takes the place of the file that was there before, so
that a server which is slow, gone or wrong changes nothing.
"""

import asyncio
import csv
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import Agent, ResponseDone, ResponseFailed
from twisted.web.http_headers import Headers

from vppscada.model.errors import ConfigError
from vppscada.model.site import DataSource
from vppscada.plant.series import MOST_OCTETS, read_series
from vppscada.station.runtime import apart, of_deferred

log = structlog.get_logger()

_CONNECT_S = 10.0
_ANSWER_S = 60.0  # from the request to the last octet
_NOT_MODIFIED, _GOOD = 304, 200


class FetchRefused(Exception):
    """What came is no series, or nothing came; in words."""


class SeriesFetch:
    """One series of a server."""

    def __init__(self, source: DataSource, file: Path, statistics: "Counter[str]") -> None:
        from twisted.internet import reactor  # to import it is to install one: after the station has

        self._source, self._file, self._statistics = source, file, statistics
        self._agent = Agent(reactor, connectTimeout=_CONNECT_S)
        self._tag: bytes | None = None  # of what was taken last
        self._failing = ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.fetch()
            await asyncio.sleep(self._source.every_s)

    async def fetch(self) -> None:
        """Ask once. What is good is kept as the file; what is not is told, once as long as it is the same."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                kept = await self._asked()
        except (FetchRefused, TimeoutError, OSError, error.ConnectError, ResponseFailed) as fault:
            self._note_failure(str(fault) or type(fault).__name__)
            return
        except Exception as fault:  # a library's own ways to say that a peer is wrong
            self._note_failure(repr(fault))
            return
        self._statistics["series_fetched" if kept else "series_unchanged"] += 1
        if self._failing:
            log.info("series_fetch_recovered", series=self._source.name)
        self._failing = ""

    async def _asked(self) -> bool:
        headers = {b"User-Agent": [b"vppscada"], b"Accept": [b"text/csv, */*;q=0.5"]}
        if self._tag is not None and self._file.exists():
            headers[b"If-None-Match"] = [self._tag]
        request = self._agent.request(b"GET", self._source.url.encode("ascii"), Headers(headers))
        response: Any = await of_deferred(request)
        if response.code == _NOT_MODIFIED and self._tag is not None:
            _hang_up(response)
            return False
        if response.code != _GOOD:
            _hang_up(response)
            raise FetchRefused(f"answer {response.code}")
        body = await _body(response)
        await apart(self._keep, body)
        tags = response.headers.getRawHeaders(b"ETag") or [None]
        self._tag = tags[0]
        return True

    def _keep(self, body: bytes) -> None:
        """On disk, if it can be read as the series."""
        self._file.parent.mkdir(exist_ok=True)
        aside = self._file.with_suffix(".new")
        try:
            with aside.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            read_series(replace(self._source, file=aside))
            aside.replace(self._file)
        except (ConfigError, UnicodeError, csv.Error) as fault:
            raise FetchRefused(str(fault)[:500]) from None
        finally:
            aside.unlink(missing_ok=True)

    def _note_failure(self, reason: str) -> None:
        self._statistics["series_fetches_failed"] += 1
        if reason != self._failing:
            log.warning("series_not_fetched", series=self._source.name, url=self._source.url, reason=reason[:500])
        self._failing = reason


def _hang_up(response: Any) -> None:
    """The body is of no use."""
    nobody: Deferred[bytes] = Deferred()
    nobody.addErrback(lambda _: None)
    response.deliverBody(_Body(0, nobody))


async def _body(response: Any) -> bytes:
    if isinstance(response.length, int) and response.length > MOST_OCTETS:
        _hang_up(response)
        raise FetchRefused(f"{response.length} octets, at most {MOST_OCTETS}")
    whole: Deferred[bytes] = Deferred()
    collecting = _Body(MOST_OCTETS, whole)
    response.deliverBody(collecting)
    try:
        return await of_deferred(whole)
    except asyncio.CancelledError:
        collecting.hang_up()
        raise


class _Body(Protocol):
    """Collects so many octets; a connection that sends more, or that ends too soon, is no answer."""

    def __init__(self, most: int, whole: "Deferred[bytes]") -> None:
        self._most, self._whole = most, whole
        self._parts: list[bytes] = []
        self._size = 0

    def makeConnection(self, transport: ITransport) -> None:  # noqa: N802 (Twisted's name)
        self.transport = transport
        self.connected = 1
        if self._most == 0:
            self.hang_up()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._size += len(data)
        if self._size > self._most:
            self._parts.clear()
            self.hang_up()
            return
        self._parts.append(data)

    def connectionLost(self, reason: Failure = Failure(ResponseDone())) -> None:  # noqa: B008, N802
        if self._whole.called:
            return
        if reason.check(ResponseDone) and self._size <= self._most:
            self._whole.callback(b"".join(self._parts))
        else:
            most = f"more than {self._most} octets"
            self._whole.errback(FetchRefused(most if self._size > self._most else "the answer ended too soon"))

    def hang_up(self) -> None:
        """At once."""
        transport: Any = self.transport
        if transport is not None:
            getattr(transport, "abortConnection", transport.loseConnection)()
