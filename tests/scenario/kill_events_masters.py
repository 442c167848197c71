"""The masters of the outstation that is killed: a scripted one, and opendnp3's in a process of its own."""

import asyncio
import json
import random
import sys
from collections import Counter
from typing import Any

from protocols.dnp3.application import Function, Response, build_confirm, parse_response
from protocols.dnp3.link import DIR, PRM, FrameParser, Primary, build_frame
from protocols.dnp3.transport import Reassembler, segments
from tests.scenario.kill_events_judge import Judge
from tests.scenario.kill_events_outstation import EPOCH_MS, OUTSTATION, SCRIPTED

_PATIENCE_S = 40.0
_AGAIN_S = 0.03
_EVENT_GROUPS = (2, 4, 22, 32)
_NUMBERED = (22, 32)  # their values are their numbers
_CLASSES = bytes.fromhex("3C 02 06 3C 03 06 3C 04 06")


def numbers_of(response: Response) -> list[int]:
    """Numbers of the events of a fragment, in order."""
    numbers: list[int] = []
    for header in response.headers():
        if header.group in _EVENT_GROUPS:
            times = [int(time) - EPOCH_MS for time in header.times_ms()]
            assert header.group not in _NUMBERED or times == [int(value) for value in header.values()]
            numbers += times
    return numbers


class ScriptedMaster:
    """Polls, is told unasked, forgets to confirm, hangs up: at random, and notes what it can be sure of."""

    def __init__(self, port: int, seed: int) -> None:
        self.judge = Judge()
        self._port = port
        self._chance = random.Random(seed)
        self._careful = False
        self._sequence = 0
        self._fragments: list[bytes] = []

    def behave(self) -> None:
        """From now on confirm everything and stay."""
        self._careful = True

    async def run(self) -> None:
        """Connection after connection, until cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                await self._live(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                self.judge.lose()
                writer.close()

    async def _live(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser, self._reassembler = FrameParser(Counter()), Reassembler(Counter())
        self._transport_sequence = 0
        self._fragments.clear()
        if self._chance.random() < 0.5:
            await self._ask(Function.ENABLE_UNSOLICITED, _CLASSES)
        while self._careful or self._chance.random() > 0.02:
            await self._ask(Function.READ, _CLASSES)
            await asyncio.sleep(self._chance.choice((0.0, 0.0, 0.02)))

    async def _ask(self, function: Function, body: bytes) -> None:
        """A request and its response; what comes unasked meanwhile is taken too."""
        self._sequence = (self._sequence + 1) % 16
        # what is confirmed while the response is on its way may be taken after the response was sent
        confirmed_before = set(self.judge.unproved)
        self._send(bytes((0xC0 | self._sequence, function)) + body)
        expected = self._sequence
        while True:
            response = parse_response(await self._fragment())
            if response.is_unsolicited:
                self._take_unsolicited(response)
                continue
            if response.control.sequence != expected:
                continue  # of a request that was given up
            self.judge.prove(confirmed_before)
            numbers = numbers_of(response)
            self.judge.receive(numbers)
            if response.control.confirm:
                if not self._careful and self._chance.random() < 0.1:
                    return  # the next request ends this response, and its events come again
                self._confirm(response, numbers)
                confirmed_before.update(numbers)  # the next fragment comes only after this
            if response.control.final:
                return
            expected = (expected + 1) % 16

    def _take_unsolicited(self, response: Response) -> None:
        numbers = numbers_of(response)
        self.judge.receive(numbers)
        self._confirm(response, numbers)

    def _confirm(self, response: Response, numbers: list[int]) -> None:
        self._send(build_confirm(response.control.sequence, unsolicited=response.is_unsolicited))
        self.judge.confirm(numbers)

    def _send(self, fragment: bytes) -> None:
        for segment in segments(fragment, self._transport_sequence):
            self._transport_sequence = (self._transport_sequence + 1) % 64
            control = DIR | PRM | Primary.UNCONFIRMED_USER_DATA
            self._writer.write(build_frame(control, OUTSTATION, SCRIPTED, segment))

    async def _fragment(self) -> bytes:
        while not self._fragments:
            async with asyncio.timeout(_PATIENCE_S):  # wait_for can swallow a cancellation that meets an answer
                data = await self._reader.read(65536)
            if not data:
                raise ConnectionResetError
            for frame in self._parser.feed(data):
                fragment = self._reassembler.push(frame.data) if frame.data else None
                if fragment is not None:
                    self._fragments.append(fragment)
        return self._fragments.pop(0)


class OpenDnp3Master:
    """opendnp3's, which confirms whatever asks for it and says what it received."""

    def __init__(self, port: int) -> None:
        self.judge = Judge()
        self._port = port
        self._fragment: list[int] = []

    async def run(self) -> None:
        """Until cancelled.

        A fragment with events proves the confirmation of the one before it with events, unless it brings the same ones
        again: this master now and then sends a request before a confirmation that it owes, and a request ends the
        response before it. So a repetition in the very next fragment is none for it to judge; the scripted master's
        record is the strict one.
        """
        module = "tests.scenario.kill_events_opendnp3"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, str(self._port), stdout=asyncio.subprocess.PIPE, limit=1 << 24
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self._take(json.loads(line))
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _take(self, said: dict[str, Any]) -> None:
        if "readings" in said:
            group, _, is_event, rows = said["readings"]
            if is_event and group in _EVENT_GROUPS:
                self._fragment += [time - EPOCH_MS for _, _, _, time in rows]
        elif "end" in said and self._fragment:
            numbers, self._fragment = self._fragment, []
            if self.judge.unproved.isdisjoint(numbers):
                self.judge.prove(self.judge.unproved)
            self.judge.receive(numbers)
            self.judge.confirm(numbers)
        elif "closed" in said:
            self.judge.lose()
