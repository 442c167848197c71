"""opendnp3's measurements become columns: stand-ins with the attributes that the bindings' objects have."""

from types import SimpleNamespace as Made

import numpy as np
import pytest

from protocols.dnp3.objects import ObjectHeader
from protocols.dnp3.opendnp3_engine.columns import received_from

TIME_MS = 1_700_000_000_123


def header_of(name: str, *readings: Made, quality: str = "SYNCHRONIZED") -> ObjectHeader:
    info = Made(gv=Made(name=name), tsquality=Made(name=quality))
    values = [Made(index=300 + n, value=one) for n, one in enumerate(readings)]
    (received,) = received_from(info, values)
    return received.header


def reading(value: object, flags: int = 0x01, time_ms: int = TIME_MS) -> Made:
    return Made(value=value, flags=Made(value=flags), time=Made(value=time_ms))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("Group1Var2", True, 1.0),
        ("Group2Var1", False, 0.0),
        ("Group3Var2", Made(value=3), 3.0),
        ("Group4Var2", Made(value=2), 2.0),
        ("Group10Var2", True, 1.0),
        ("Group20Var1", 4_000_000_000, 4_000_000_000.0),
        ("Group21Var9", 7, 7.0),
        ("Group22Var5", 8, 8.0),
        ("Group23Var1", 9, 9.0),
        ("Group30Var3", -1.0e300, -1.0e300),
        ("Group32Var7", 0.1, 0.1),
        ("Group40Var2", 5.5, 5.5),
        ("Group42Var8", 6.5, 6.5),
    ],
)
def test_no_kind_of_reading_loses_anything(name: str, value: object, told: float) -> None:
    header = header_of(name, reading(value, 0x01), reading(value, 0x04))
    assert header.group == int(name.removeprefix("Group").partition("Var")[0])
    assert header.indexes().tolist() == [300, 301]
    assert header.values().tolist() == [told, told]
    assert [int(flags) & 0x07 for flags in header.flags()] == [0x01, 0x04]
    if header.form is not None and header.form.is_event:
        assert header.times_ms().tolist() == [TIME_MS, TIME_MS]


def test_a_time_of_an_unset_clock_is_not_trusted() -> None:
    info = Made(gv=Made(name="Group2Var3"), tsquality=Made(name="UNSYNCHRONIZED"))
    (received,) = received_from(info, [Made(index=1, value=reading(True))])
    assert not received.trusted


def test_events_of_commands_keep_their_status() -> None:
    binary = header_of("Group13Var1", Made(value=True, status=Made(value=4), time=Made(value=0)))
    assert binary.flags().tolist() == [0x84]
    analog = header_of("Group43Var5", Made(value=2.5, status=Made(value=12), time=Made(value=TIME_MS)))
    assert analog.records is not None
    assert (analog.records["status"].tolist(), analog.values().tolist()) == ([12], [2.5])


def test_strings_come_one_header_each() -> None:
    info = Made(gv=Made(name="Group110Var0"), tsquality=Made(name="INVALID"))
    texts = [b"abc", b"", bytes(255)]
    items = [Made(index=n, value=Made(ToBytes=lambda text=text: text)) for n, text in enumerate(texts)]
    received = received_from(info, items)
    assert [each.header.texts() for each in received] == [[b"abc"], [b"\0"], [bytes(255)]]


@pytest.mark.parametrize("name", ["Group50Var1", "Group34Var1", "Group0Var254", "Group120Var3"])
def test_what_is_no_reading_is_left_out(name: str) -> None:
    info = Made(gv=Made(name=name), tsquality=Made(name="INVALID"))
    assert received_from(info, [object()]) == []


def test_numbers_keep_their_last_bit() -> None:
    header = header_of("Group30Var6", reading(np.nextafter(1.0, 2.0)))
    assert header.values()[0] == np.nextafter(1.0, 2.0)
