"""Octet strings: their static values, and their events with the text that was then."""

from dataclasses import replace

from tests.unit.protocols.dnp3.outstation.test_durability import Disk
from tests.unit.protocols.dnp3.outstation.wire import (
    CLASS_1,
    CLEAR_RESTART,
    EPOCH_MS,
    QUIET,
    Wire,
    batch,
    indications,
    point,
)
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality

STRING, NAN = PointKind.STRING, float("nan")
POINTS = (point(STRING, 5, event_class=1), point(STRING, 6), point(PointKind.BINARY_INPUT, 0, event_class=1))


def told(wire: Wire, texts: dict[int, str], values: dict[int, float] | None = None) -> None:
    fresh = batch(dict.fromkeys(texts, NAN) | (values or {}), at_ms=EPOCH_MS)
    wire.device.update(replace(fresh, texts=texts))
    wire.tick(0.0)


def wire_of(*, stored: Disk | None = None) -> Wire:
    wire = Wire(POINTS, QUIET, durable=stored is not None, stored=stored.load() if stored else None)
    wire.connect()
    wire.one(CLEAR_RESTART)
    return wire


def test_a_new_text_is_an_event_and_the_same_one_is_none() -> None:
    wire = wire_of()
    told(wire, {0: "idle", 1: "x"})
    assert len(wire.core.buffer) == 0
    told(wire, {0: "idle", 1: "y"})
    assert len(wire.core.buffer) == 0
    told(wire, {0: "run"})
    told(wire, {0: ""})
    assert wire.one("C1" + CLASS_1)[4:] == bytes.fromhex("6F 03 17 01 05 72756E 6F 01 17 01 05 00")
    wire.ask("C1 00")
    assert wire.core.buffer.texts == {}
    assert wire.one("C2 01 6E 00 00 05 05")[4:] == bytes.fromhex("6E 01 00 05 05 00")


def test_a_string_whose_quality_changes_says_nothing_new() -> None:
    wire = wire_of()
    told(wire, {0: "idle"})
    wire.update({0: NAN}, quality=Quality.COMM_LOST)
    wire.update({0: NAN})
    assert len(wire.core.buffer) == 0
    assert wire.one("C1 01 6E 00 00 05 05")[4:] == bytes.fromhex("6E 04 00 05 05 69646C65")
    told(wire, {0: "run"})
    assert wire.one("C2" + CLASS_1)[4:] == bytes.fromhex("6F 03 17 01 05 72756E")


def test_events_of_strings_keep_their_place_among_the_others() -> None:
    wire = wire_of()
    told(wire, {0: "a"}, {2: 0})
    told(wire, {0: "b"}, {2: 1})
    told(wire, {0: "c"})
    answer = wire.one("C1 01 3C 02 06")
    time = EPOCH_MS.to_bytes(6, "little").hex()
    assert answer[4:] == bytes.fromhex(f"6F 01 17 01 05 62 02 02 17 01 00 81 {time} 6F 01 17 01 05 63")
    wire.ask("C1 00")
    told(wire, {0: "d"}, {2: 0})
    assert wire.one("C2 01 6F 00 06")[4:] == bytes.fromhex("6F 01 17 01 05 64")
    assert wire.one("C3 01 6F 07 07 01")[4:] == bytes.fromhex("6F 01 17 01 05 64")


def test_a_string_can_be_put_into_a_class() -> None:
    wire = wire_of()
    told(wire, {1: "x"})
    wire.one("C1 16 3C 04 06 6E 00 06")
    told(wire, {1: "y"})
    assert wire.one("C2 01 3C 04 06")[4:] == bytes.fromhex("6F 01 17 01 06 79")


def test_a_string_cannot_be_written() -> None:
    wire = wire_of()
    told(wire, {0: "a"})
    assert indications(wire.one("C1 02 6E 01 00 05 05 62")) & 0x0200
    assert wire.one("C2 01 6E 00 06")[4:10] == bytes.fromhex("6E 01 00 05 05 61")


def test_texts_survive_a_restart_and_are_what_the_next_one_is_compared_with() -> None:
    disk = Disk()
    before = wire_of(stored=disk)
    told(before, {0: "idle"})
    told(before, {0: "run"})
    disk.serve(before)
    after = wire_of(stored=disk)
    told(after, {0: "run"})
    told(after, {0: "stop"})
    disk.serve(after)
    assert after.one("C1" + CLASS_1)[4:] == bytes.fromhex("6F 03 17 01 05 72756E 6F 04 17 01 05 73746F70")


def test_overflow_forgets_the_texts_too() -> None:
    wire = Wire(POINTS, replace(QUIET, max_events=2))
    wire.connect()
    for text in "abcdef":
        told(wire, {0: text})
    assert sorted(wire.core.buffer.texts.values()) == ["e", "f"]
    assert indications(wire.one("C1 17")) & 0x0800
