"""The station's local API: a Unix socket in the state directory, one JSON object a line, for this user alone.

A request is ``{"id": 1, "method": "points", "params": {…}}``; its answer has the same id and either ``result`` or
``fault``. ``watch`` answers and then sends ``{"id": 1, "changes": […]}`` until the client hangs up.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import structlog

from vppscada.model.changes import ChangeSet
from vppscada.model.commands import Origin
from vppscada.model.errors import JournalError, VppscadaError
from vppscada.station.api_answers import Answer, line_of, point_state, result_words, verification_words
from vppscada.station.api_requests import (
    LONGEST_LINE,
    PAGE,
    Request,
    RequestFault,
    read_apply,
    read_force,
    read_offset,
    read_operate,
    read_point,
    read_request,
    read_site,
    wanted_rows,
)
from vppscada.station.applying import Applying
from vppscada.station.forecast_answers import forecasts_page
from vppscada.station.in_force import InForce
from vppscada.station.plant_answers import fleet_page, schedule_in_force
from vppscada.station.supervisor import wall_ms

log = structlog.get_logger()

SOCKET_NAME = "api.sock"
_MOST_CLIENTS = 16
_SLOW_S = 10.0  # a client that does not take what it asked for is let go
_LOOK_EVERY_S = 0.1


class LocalApi:
    """Serves one station. Only ``operate`` moves anything, and that through the control pipeline.

    ``force`` and ``release`` change what is believed of a point, not the point. ``apply`` puts a changed site in force.
    """

    def __init__(
        self,
        state_dir: Path,
        in_force: Callable[[], InForce],
        applying: Applying,
        status: Callable[[], Answer],
    ) -> None:
        self.path = state_dir / SOCKET_NAME
        self.statistics: Counter[str] = Counter()
        self._in_force = in_force
        self._applying = applying
        self._clients: set[asyncio.StreamWriter] = set()
        self._methods: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "status": self._status,
            "points": self._points,
            "operate": self._operate,
            "force": self._force,
            "release": self._release,
            "plan": self._plan,
            "apply": self._apply,
            "fleet": self._fleet,
            "forecasts": self._forecasts,
            "schedule": self._schedule,
        }
        self._tell_status = status

    async def run(self) -> None:
        """Serve until cancelled. Where it cannot listen, the plant runs on without it."""
        try:
            listener = _listen(self.path)
        except OSError as error:
            log.error("local_api_not_listened", path=str(self.path), error=str(error))
            await asyncio.get_running_loop().create_future()
            return
        server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LONGEST_LINE)
        log.info("local_api_listened", path=str(self.path))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            for writer in tuple(self._clients):
                writer.transport.abort()
            self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.statistics["clients"] += 1
        try:
            if len(self._clients) >= _MOST_CLIENTS:
                self.statistics["clients_turned_away"] += 1
                await _send(writer, {"id": None, "fault": f"already {_MOST_CLIENTS} clients"})
                return
            self._clients.add(writer)
            await self._talk(reader, writer)
        except (OSError, TimeoutError):
            self.statistics["clients_lost"] += 1
        except Exception:
            self.statistics["errors_caught"] += 1
            log.exception("local_api_client_failed")
        finally:
            self._clients.discard(writer)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                await _send(writer, self._fault(RequestFault(f"a line of more than {LONGEST_LINE} octets")))
                return
            if not line.endswith(b"\n"):
                return
            try:
                request = read_request(line)
                if request.method == "watch":
                    await self._watch(request, reader, writer)
                    return
                answer: Answer = {"id": request.id, "result": await self._answer(request)}
            except RequestFault as fault:
                answer = self._fault(fault)
            await _send(writer, answer)

    async def _answer(self, request: Request) -> Answer:
        self.statistics["requests"] += 1
        try:
            return await self._methods[request.method](request)
        except RequestFault as fault:
            raise RequestFault(str(fault), request.id) from None

    def _fault(self, fault: RequestFault) -> Answer:
        self.statistics["requests_faulty"] += 1
        log.warning("local_api_request_refused", fault=str(fault))
        return {"id": fault.request_id, "fault": str(fault)}

    async def _status(self, request: Request) -> Answer:
        return self._tell_status() | {"local_api": dict(self.statistics)}

    async def _points(self, request: Request) -> Answer:
        database = self._in_force().database
        rows, offset = _rows(self._in_force(), request), read_offset(request.params)
        page = rows[offset : offset + PAGE]
        end = offset + len(page)
        return {
            "points": [point_state(database, row) for row in page],
            "count": len(rows),
            "next": end if end < len(rows) else None,
        }

    async def _forecasts(self, request: Request) -> Answer:
        now = self._in_force()
        return forecasts_page(now.plant, now.forecaster, read_offset(request.params))

    async def _fleet(self, request: Request) -> Answer:
        return fleet_page(self._in_force().plant, read_offset(request.params))

    async def _schedule(self, request: Request) -> Answer:
        return schedule_in_force(self._in_force().plant, request.params)

    async def _operate(self, request: Request) -> Answer:
        now = self._staying()
        wanted = read_operate(request.params, now.site.row_of)
        since = time.monotonic()
        result = await now.pipeline.command(wanted.row, wanted.value, Origin.OPERATOR, wanted.reason, wanted.lifetime_s)
        told = result_words(result)
        if told["result"] in ("accepted", "unanswered"):
            told["verification"] = await _verified(now, wanted.row, since, wanted.verify_s)
        return told

    async def _force(self, request: Request) -> Answer:
        now = self._staying()
        wanted = read_force(request.params, now.site.row_of)
        until_ms = None if wanted.for_s is None else wall_ms() + int(1000 * wanted.for_s)
        try:
            await now.normalising.force(wanted.point, wanted.value, wanted.reason, wanted.by, until_ms)
        except (ValueError, JournalError) as error:
            raise RequestFault(str(error)) from None
        log.info("point_forced", point=wanted.point, value=wanted.value, by=wanted.by, reason=wanted.reason)
        return point_state(now.database, now.site.row_of[wanted.point])

    async def _release(self, request: Request) -> Answer:
        now = self._staying()
        point = read_point(request.params, now.site.row_of)
        try:
            await now.normalising.release(point)
        except KeyError:
            raise RequestFault(f"{point} is not forced") from None
        except JournalError as error:
            raise RequestFault(str(error)) from None
        log.info("point_released", point=point)
        return point_state(now.database, now.site.row_of[point])

    async def _plan(self, request: Request) -> Answer:
        wanted = read_site(request.params)
        try:
            return asdict(await self._applying.plan(wanted.file, wanted.settings))
        except VppscadaError as error:
            raise RequestFault(str(error)) from None

    async def _apply(self, request: Request) -> Answer:
        site, wanted = read_site(request.params), read_apply(request.params)
        try:
            return asdict(await self._applying.apply(site.file, site.settings, wanted.mark, wanted.within_s))
        except VppscadaError as error:
            raise RequestFault(str(error)) from None

    def _staying(self) -> InForce:
        """The site in force, unless another one is about to take its place."""
        now = self._in_force()
        if now.is_leaving:
            raise RequestFault("a changed site is being put in force; ask again")
        return now

    async def _watch(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send what changes until the client hangs up. What changes twice before it is sent is sent as it is then."""
        self.statistics["requests"] += 1
        now = self._in_force()
        try:
            rows = _rows(now, request)
        except RequestFault as fault:
            raise RequestFault(str(fault), request.id) from None
        wanted = frozenset(rows)
        pending: dict[int, None] = dict.fromkeys(rows)  # first of all, how it stands
        wake = asyncio.Event()

        def note(changes: ChangeSet) -> None:
            pending.update((row, None) for row in changes.rows.tolist() if row in wanted)
            if pending:
                wake.set()

        wake.set()
        unsubscribe = now.database.subscribe(note)
        gone = asyncio.ensure_future(reader.read(1))  # nothing more is expected of the client
        replaced = asyncio.ensure_future(now.replaced.wait())
        try:
            await _send(writer, {"id": request.id, "result": {"count": len(rows)}})
            while not gone.done() and not replaced.done():
                waiting = asyncio.ensure_future(wake.wait())
                await asyncio.wait([waiting, gone, replaced], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                wake.clear()
                await _send_pending(now, request, pending, writer)
            if replaced.done():
                await _send(writer, {"id": request.id, "fault": "a changed site is in force now; ask again"})
        finally:
            unsubscribe()
            replaced.cancel()
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await gone


def _rows(now: InForce, request: Request) -> list[int]:
    return wanted_rows(request.params, now.database.points, now.site.row_of)


async def _verified(now: InForce, row: int, since: float, seconds: float) -> Answer:
    """What was seen of the command that left after ``since``, once its effect is, or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        seen = now.pipeline.verification(row)
        ours = seen.commanded is not None and seen.commanded >= since
        if not ours or seen.measured is not None or time.monotonic() >= deadline:
            return verification_words(seen) if ours else {"superseded": True}
        await asyncio.sleep(_LOOK_EVERY_S)


async def _send_pending(now: InForce, request: Request, pending: dict[int, None], writer: asyncio.StreamWriter) -> None:
    rows: Sequence[int] = tuple(pending)
    pending.clear()
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        await _send(writer, {"id": request.id, "changes": [point_state(now.database, row) for row in page]})


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(line_of(answer))
    async with asyncio.timeout(_SLOW_S):
        await writer.drain()


def _listen(path: Path) -> socket.socket:
    """A listening socket that only this user can open. The directory is locked: an old socket is nobody's."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)  # from its first moment on, not only after a chmod
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    return listener
