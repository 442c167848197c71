"""Serial lines on pseudo terminals: settings that reach the device, lines in use, lines that go."""

import asyncio
import os
import termios
import tty
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.dnp3.channels import WRITE_LIMIT, ChannelClosed, Medium, MediumKind, SerialSettings, Transport, connect
from protocols.dnp3.channels.medium import FlowControl, Parity
from tests.unit.protocols.dnp3.channels.media import FRAME, joined

IFLAG, CFLAG, SPEED = 0, 2, 4


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """Our end of a line and the device at its other end."""
    ours, device = os.openpty()
    tty.setraw(device)
    name = os.ttyname(device)
    os.close(device)
    yield ours, name
    os.close(ours)


def medium(settings: SerialSettings) -> Medium:
    return Medium(Transport(MediumKind.SERIAL, serial=settings))


async def test_the_settings_reach_the_device(line: tuple[int, str]) -> None:
    ours, device = line
    settings = SerialSettings(device, 19200, 7, Parity.EVEN, 2, FlowControl.RTS_CTS)
    channel = await connect(medium(settings), Counter())
    attributes = termios.tcgetattr(ours)
    assert attributes[SPEED] == termios.B19200
    assert attributes[CFLAG] & termios.CSTOPB
    assert attributes[CFLAG] & termios.CRTSCTS
    await channel.close()
    channel = await connect(medium(SerialSettings(device, 9600, flow_control=FlowControl.XON_XOFF)), Counter())
    attributes = termios.tcgetattr(ours)
    assert attributes[SPEED] == termios.B9600
    assert not attributes[CFLAG] & (termios.CSTOPB | termios.CRTSCTS)
    assert attributes[IFLAG] & termios.IXON
    await channel.close()


async def test_a_line_in_use_is_refused_and_free_again_afterwards(line: tuple[int, str]) -> None:
    _, device = line
    channel = await connect(medium(SerialSettings(device)), Counter())
    with pytest.raises(ConnectionError, match=device):
        await connect(medium(SerialSettings(device)), Counter())
    await channel.close()
    await (await connect(medium(SerialSettings(device)), Counter())).close()


async def test_no_such_device_is_a_connection_error(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="nowhere"):
        await connect(medium(SerialSettings(str(tmp_path / "nowhere"))), Counter())


async def test_a_file_that_is_no_line_is_a_connection_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConnectionError, match="file"):
        await connect(medium(SerialSettings(str(tmp_path / "file"))), Counter())


async def test_a_line_that_is_pulled_out_ends_the_channel() -> None:
    ours, device = os.openpty()
    tty.setraw(device)
    channel = await connect(medium(SerialSettings(os.ttyname(device))), Counter())
    os.close(device)
    os.close(ours)
    with pytest.raises(ChannelClosed):
        await channel.read()


async def test_a_line_that_takes_nothing_is_given_up_before_memory_grows(line: tuple[int, str]) -> None:
    statistics: Counter[str] = Counter()
    channel = await connect(medium(SerialSettings(line[1], flow_control=FlowControl.XON_XOFF)), statistics)
    for _ in range(200):
        channel.write(FRAME * 100)
        await asyncio.sleep(0)
    assert channel.closed_because == "peer does not read"
    assert statistics["octets_sent"] < 2 * WRITE_LIMIT


async def test_aborting_frees_the_device_at_once(tmp_path: Path) -> None:
    async with joined(MediumKind.SERIAL, tmp_path) as ends:
        device = ends.client.peer
        ends.client.abort("enough")
        await (await connect(medium(SerialSettings(device)), Counter())).close()
