"""Octets are taken where they come while somebody waits for them, and left to him otherwise."""

import asyncio
from collections import Counter

import pytest

from protocols.dnp3.channels.channel import Channel, ChannelClosed


class Wire(Channel):
    """A medium that the test plays."""

    def __init__(self) -> None:
        super().__init__(Counter())

    def brings(self, data: bytes) -> None:
        self._arrived(data)

    def _transmit(self, data: bytes) -> None: ...

    def _hold_reading(self, hold: bool) -> None: ...

    def _shut(self, at_once: bool) -> None:
        self._ended("shut")


async def waiting(wire: Wire) -> "asyncio.Task[bytes]":
    reading = asyncio.ensure_future(wire.read())
    await asyncio.sleep(0)
    return reading


async def test_what_the_taker_is_done_with_never_wakes_the_reader() -> None:
    wire, taken = Wire(), bytearray()
    wire.taker = taken.extend
    reading = await waiting(wire)
    wire.brings(b"ab")
    wire.brings(b"cd")
    await asyncio.sleep(0)
    assert bytes(taken) == b"abcd"
    assert not reading.done()
    wire.abort("enough")
    with pytest.raises(ChannelClosed):
        await reading


async def test_what_the_taker_leaves_goes_to_the_reader() -> None:
    wire = Wire()
    wire.taker = lambda data: data[1:]
    reading = await waiting(wire)
    wire.brings(b"abc")
    assert await reading == b"bc"


async def test_a_taker_that_needs_the_reader_wakes_him_without_octets() -> None:
    wire = Wire()
    wire.taker = lambda data: b""
    reading = await waiting(wire)
    wire.brings(b"abc")
    assert await reading == b""


async def test_while_nobody_waits_octets_are_kept_in_their_order() -> None:
    wire, taken = Wire(), bytearray()
    wire.taker = taken.extend
    wire.brings(b"ab")
    wire.brings(b"cd")
    assert not taken
    assert await wire.read() == b"abcd"


async def test_octets_behind_those_that_woke_the_reader_wait_for_him() -> None:
    wire, calls = Wire(), []

    def taker(data: bytes) -> bytes:
        calls.append(data)
        return b""

    wire.taker = taker
    reading = await waiting(wire)
    wire.brings(b"ab")
    wire.brings(b"cd")  # before the reader has run
    assert calls == [b"ab"]
    assert await reading == b"cd"


async def test_an_exception_of_the_taker_is_the_readers() -> None:
    def taker(data: bytes) -> bytes:
        raise ZeroDivisionError

    wire = Wire()
    wire.taker = taker
    reading = await waiting(wire)
    wire.brings(b"ab")
    with pytest.raises(ZeroDivisionError):
        await reading
