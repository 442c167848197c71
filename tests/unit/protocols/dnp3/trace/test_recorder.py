"""A channel that is recorded: every octet both ways is in the trace, with addresses that a dissector looks for."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from protocols.dnp3.channels import TCP_CLIENT, TCP_SERVER, Channel, Medium, Transport, connect, listen
from protocols.dnp3.channels.lines import Lines
from protocols.dnp3.channels.medium import MediumRole, read_transport
from protocols.dnp3.link import build_frame
from protocols.dnp3.settings import SettingsReader
from protocols.dnp3.trace import TraceDecoder, TraceSettings
from protocols.dnp3.trace.captures import CaptureReader, Packet
from protocols.dnp3.trace.packets import FIN, SYN, Segment, segment_of
from protocols.dnp3.trace.ring import flush, ring_files

REQUEST, RESPONSE = build_frame(0xC9, 10, 1), build_frame(0x0B, 1, 10)


async def _talk(server: Transport, client: Transport) -> None:
    """One request and one response over a TCP connection, in either trace that is wanted."""
    arrived: asyncio.Queue[Channel] = asyncio.Queue()
    listener = await listen(Medium(server, "127.0.0.1", 0), arrived.put_nowait, Counter())
    ours = await connect(Medium(client, "127.0.0.1", listener.port), Counter())
    theirs = await arrived.get()
    ours.write(REQUEST)
    assert await theirs.read() == REQUEST
    theirs.write(RESPONSE)
    assert await ours.read() == RESPONSE
    await ours.close()
    await theirs.closed()
    await listener.close()
    assert await asyncio.get_running_loop().run_in_executor(None, flush)


def _segments(folder: Path) -> list[Segment]:
    reader = CaptureReader()
    [path] = ring_files(folder)
    packets = [one for one in reader.feed(path.read_bytes()) if isinstance(one, Packet)]
    return [found for one in packets if (found := segment_of(one.link_type, one.octets)) is not None]


async def test_both_ends_record_the_same_conversation_with_port_20000_at_the_server(tmp_path: Path) -> None:
    here, there = tmp_path / "client", tmp_path / "server"
    await _talk(replace(TCP_SERVER, trace=TraceSettings(there)), replace(TCP_CLIENT, trace=TraceSettings(here)))
    for folder in (here, there):
        found = _segments(folder)
        assert [one.payload for one in found if one.payload] == [REQUEST, RESPONSE]
        assert [bool(one.flags & SYN) for one in found][:3] == [True, True, False]
        assert found[0].destination.port == 20000
        assert found[0].source.port not in (0, 20000)
        assert {one.source.address for one in found} == {"127.0.0.1"}
        assert sum(bool(one.flags & FIN) for one in found) == 2
    sequences = [(one.source.port, one.sequence) for one in _segments(here)]
    assert sequences == [(port, number) for port, number in sequences if number < 100]


async def test_a_trace_is_decoded_as_it_was_spoken(tmp_path: Path) -> None:
    await _talk(TCP_SERVER, replace(TCP_CLIENT, trace=TraceSettings(tmp_path)))
    decoder = TraceDecoder(as_json=True)
    [path] = ring_files(tmp_path)
    said = [json.loads(line) for line in decoder.feed(path.read_bytes())]
    assert list(decoder.finish()) == []
    assert [one["link"]["function"] for one in said] == ["REQUEST_LINK_STATUS", "LINK_STATUS"]
    assert said[0]["to"] == "127.0.0.1:20000"


async def test_connections_of_one_medium_share_a_ring(tmp_path: Path) -> None:
    arrived: asyncio.Queue[Channel] = asyncio.Queue()
    server = replace(TCP_SERVER, trace=TraceSettings(tmp_path), channel="feeder")
    listener = await listen(Medium(server, "127.0.0.1", 0), arrived.put_nowait, Counter())
    for _ in range(2):
        ours = await connect(Medium(TCP_CLIENT, "127.0.0.1", listener.port), Counter())
        theirs = await arrived.get()
        ours.write(REQUEST)
        await theirs.read()
        await ours.close()
        await theirs.closed()
    await listener.close()
    assert await asyncio.get_running_loop().run_in_executor(None, flush)
    assert [path.name for path in ring_files(tmp_path)] == ["feeder-000001.pcapng"]
    assert [one.payload for one in _segments(tmp_path) if one.payload] == [REQUEST] * 2


async def test_a_shared_line_is_recorded_if_any_of_its_sessions_wants_it(tmp_path: Path) -> None:
    arrived: asyncio.Queue[Channel] = asyncio.Queue()
    listener = await listen(Medium(TCP_SERVER, "127.0.0.1", 0), arrived.put_nowait, Counter())
    lines = Lines()
    plain = Medium(TCP_CLIENT, "127.0.0.1", listener.port)
    traced = replace(plain, transport=replace(TCP_CLIENT, trace=TraceSettings(tmp_path)))
    places = [lines.place(medium, 1, 10 + n) for n, medium in enumerate((plain, traced))]
    channels = [(await place.open(Counter())).channel for place in places]
    theirs = await arrived.get()
    channels[0].write(REQUEST)
    assert await theirs.read() == REQUEST
    assert arrived.empty(), "both are on one line"
    for place, channel in zip(places, channels, strict=True):
        await channel.close()
        await place.leave()
    await listener.close()
    theirs.abort("the end")
    assert await asyncio.get_running_loop().run_in_executor(None, flush)
    assert [one.payload for one in _segments(tmp_path) if one.payload] == [REQUEST]


async def test_without_the_setting_nothing_is_tapped(tmp_path: Path) -> None:
    arrived: asyncio.Queue[Channel] = asyncio.Queue()
    listener = await listen(Medium(TCP_SERVER, "127.0.0.1", 0), arrived.put_nowait, Counter())
    ours = await connect(Medium(TCP_CLIENT, "127.0.0.1", listener.port), Counter())
    assert ours.tap is None
    assert (await arrived.get()).tap is None
    await ours.close()
    await listener.close()


def test_the_settings_of_a_trace_are_read_with_their_limits() -> None:
    table = {"trace": "traces", "trace_files": 4, "trace_file_mb": 2}
    reader = SettingsReader(table)
    assert read_transport(reader, MediumRole.CLIENT).trace == TraceSettings(Path("traces"), 4, 2)
    assert read_transport(SettingsReader({}), MediumRole.CLIENT).trace is None
    reader = SettingsReader({"trace": 5, "trace_files": 1, "trace_file_mb": 0})
    read_transport(reader, MediumRole.CLIENT)
    assert [fault.key for fault in reader.faults] == ["trace", "trace_files", "trace_file_mb"]
