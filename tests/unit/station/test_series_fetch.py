"""A series from a web server of every sort: what is good becomes the file, whatever else comes changes nothing."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from vppscada.model.site import DataSource
from vppscada.station import series_fetch
from vppscada.station.series_fetch import SeriesFetch

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
GOOD = b"mw\n1.0\n2.0\n"


def head(status: str, body: bytes, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more, "", ""]
    return "\r\n".join(lines).encode() + body


@contextlib.asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    """An HTTP server that reads a request and answers as told."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await answer(await reader.readuntil(b"\r\n\r\n"), writer)
        writer.close()

    listening = await asyncio.start_server(served, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/load.csv"
    finally:
        listening.close()


def always(octets: bytes) -> Answer:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()

    return answer


def fetching(url: str, folder: Path) -> tuple[SeriesFetch, Path, "Counter[str]"]:
    source = DataSource("load", folder / "site.csv", ("mw",), 3600.0, start_ms=0, url=url)
    statistics: Counter[str] = Counter()
    file = folder / "series" / "load.csv"
    return SeriesFetch(source, file, statistics), file, statistics


async def test_what_is_good_becomes_the_file(tmp_path: Path) -> None:
    async with server(always(head("200 OK", GOOD))) as url:
        fetch, file, statistics = fetching(url, tmp_path)
        await fetch.fetch()
    assert file.read_bytes() == GOOD
    assert statistics == {"series_fetched": 1}
    assert [one.name for one in file.parent.iterdir()] == ["load.csv"]


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(request)
        known = b'If-None-Match: "1"' in request
        writer.write(head("304 Not Modified", b"") if known else head("200 OK", GOOD, 'ETag: "1"'))
        await writer.drain()

    async with server(answer) as url:
        fetch, file, statistics = fetching(url, tmp_path)
        for _ in range(3):
            await fetch.fetch()
        file.unlink()  # what is not there any more is asked for as at first
        await fetch.fetch()
    assert statistics == {"series_fetched": 2, "series_unchanged": 2}
    assert [b"If-None-Match" in one for one in asked] == [False, True, True, False]
    assert file.read_bytes() == GOOD


@pytest.mark.parametrize(
    "answer",
    [
        head("500 Internal Server Error", GOOD),
        head("302 Found", b"", "Location: http://127.0.0.1:1/elsewhere"),
        head("304 Not Modified", b""),
        head("200 OK", b"mw\nnothing\n"),
        head("200 OK", b"<html>log in, please</html>"),
        head("200 OK", b"\xff\xfe\x00\x01"),
        head("200 OK", b""),
        head("200 OK", GOOD)[:-3],
        b"what is this\r\n\r\n",
        b"",
        head("200 OK", b"mw\n" + b"1.0\n" * 1000),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nmw\n" + b"1.0\n" * 1000,
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" + GOOD,
    ],
)
async def test_whatever_else_comes_changes_nothing(
    answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_fetch, "MOST_OCTETS", 2000)
    async with server(always(head("200 OK", GOOD))) as url:
        fetch, file, _ = fetching(url, tmp_path)
        await fetch.fetch()
    async with server(always(answer)) as url:
        fetch, file, statistics = fetching(url, tmp_path)
        for _ in range(2):
            await fetch.fetch()
    assert file.read_bytes() == GOOD
    assert statistics == {"series_fetches_failed": 2}
    assert [one.name for one in file.parent.iterdir()] == ["load.csv"]


async def test_a_server_that_dribbles_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_fetch, "_ANSWER_S", 0.5)
    left = asyncio.Event()

    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nmw\n")
        try:
            while True:
                writer.write(b"1.0\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            left.set()

    async with server(answer) as url:
        fetch, file, statistics = fetching(url, tmp_path)
        await fetch.fetch()
        await asyncio.wait_for(left.wait(), 20.0)
    assert statistics == {"series_fetches_failed": 1}
    assert not file.exists()


async def test_a_server_that_is_not_there_is_told_and_tried_again(tmp_path: Path) -> None:
    async with server(always(head("200 OK", GOOD))) as url:
        fetch, file, statistics = fetching("http://127.0.0.1:9/nobody", tmp_path)
        await fetch.fetch()
        assert statistics == {"series_fetches_failed": 1} and not file.exists()
        fetch, file, statistics = fetching(url, tmp_path)
        await fetch.fetch()
    assert file.read_bytes() == GOOD
