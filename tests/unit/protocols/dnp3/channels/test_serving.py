"""Stations that wait to be asked: listening in one role, dialling in the other, again and again."""

import asyncio
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.dnp3.channels import Channel, Medium, MediumKind, MediumRole, Transport, listen, serve
from protocols.dnp3.channels import dialler as dialling
from protocols.dnp3.channels.dialler import pause_s
from tests.unit.protocols.dnp3.channels.media import FRAME, PATIENCE_S, media, null_modem


async def soon(queue: "asyncio.Queue[Channel]") -> Channel:
    async with asyncio.timeout(PATIENCE_S):
        return await queue.get()


def test_pauses_grow_to_a_limit_and_are_spread() -> None:
    assert [pause_s(failures, 0.0) for failures in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert pause_s(1000, 0.0) == 30.0
    assert pause_s(3, 0.5) == 1.5


@pytest.mark.parametrize("kind", [MediumKind.TCP, MediumKind.TLS, MediumKind.UDP])
async def test_a_server_brings_a_channel_for_each_client(kind: MediumKind, tmp_path: Path) -> None:
    client, server = media(kind, tmp_path)
    came: asyncio.Queue[Channel] = asyncio.Queue()
    listener = await serve(server, came.put_nowait, Counter())
    dialled: asyncio.Queue[Channel] = asyncio.Queue()
    dialler = await serve(replace(client, port=listener.port), dialled.put_nowait, Counter())
    assert dialler.port == 0
    (await soon(dialled)).write(FRAME)
    other = await soon(came)
    async with asyncio.timeout(PATIENCE_S):
        assert await other.read() == FRAME
    await dialler.close()
    await listener.close()
    other.abort("over")


async def test_a_channel_that_is_lost_is_dialled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "_FIRST_S", 0.01)
    came: asyncio.Queue[Channel] = asyncio.Queue()
    dialled: asyncio.Queue[Channel] = asyncio.Queue()
    statistics: Counter[str] = Counter()
    client, server = media(MediumKind.TCP, tmp_path)
    listener = await listen(server, came.put_nowait, Counter())
    dialler = await serve(replace(client, port=listener.port), dialled.put_nowait, statistics)
    for _ in range(3):
        await soon(dialled)
        (await soon(came)).abort("lost")
    assert statistics["connects_made"] == 3
    await soon(dialled)
    await dialler.close()
    await listener.close()
    (await soon(came)).abort("over")


async def test_nobody_there_is_tried_again_until_somebody_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "_FIRST_S", 0.01)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client, server = media(MediumKind.TCP, tmp_path, port)
    dialled: asyncio.Queue[Channel] = asyncio.Queue()
    statistics: Counter[str] = Counter()
    dialler = await serve(client, dialled.put_nowait, statistics)
    async with asyncio.timeout(PATIENCE_S):
        while not statistics["connects_failed"]:  # noqa: ASYNC110  # a count has no event
            await asyncio.sleep(0.005)
    listener = await listen(server, lambda _: None, Counter())
    await (await soon(dialled)).close()
    await dialler.close()
    await listener.close()


async def test_a_serial_line_is_opened_whatever_the_role_and_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "_FIRST_S", 0.01)
    with null_modem() as devices:
        _, medium = media(MediumKind.SERIAL, tmp_path, 0, devices)
        opened: asyncio.Queue[Channel] = asyncio.Queue()
        dialler = await serve(medium, opened.put_nowait, Counter())
        (await soon(opened)).abort("pulled out")
        channel = await soon(opened)
        await dialler.close()
        await channel.close()
        with pytest.raises(ValueError, match="nobody comes"):
            await listen(medium, opened.put_nowait, Counter())


async def test_a_taken_address_is_an_os_error(tmp_path: Path) -> None:
    for kind in (MediumKind.TCP, MediumKind.TLS, MediumKind.UDP):
        _, server = media(kind, tmp_path)
        listener = await listen(server, lambda _: None, Counter())
        taken = replace(server, port=listener.port)
        with pytest.raises(OSError, match=str(taken.port)):
            await listen(taken, lambda _: None, Counter())
        await listener.close()
        again = await listen(taken, lambda _: None, Counter())
        await again.close()


def test_media_name_themselves_for_the_log() -> None:
    assert str(Medium(Transport(role=MediumRole.SERVER), "10.0.0.1", 20000)) == "tcp 10.0.0.1:20000"
