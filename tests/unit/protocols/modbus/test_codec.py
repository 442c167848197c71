"""Registers to values and back."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.codec import Buffers, CannotEncode, Reading, decode, encode_number, flag_word
from protocols.modbus.layout import address_of, layout_of
from protocols.modbus.plan import Limits, plan_reads
from tests.unit.protocols.modbus.making import address, point
from vppscada.model.points import Point
from vppscada.model.quality import Quality


def read(points: list[Point], registers: list[int], faults: dict[int, Quality] | None = None) -> Reading:
    """Decode points of holding registers from 0 on."""
    plan = plan_reads([address_of(one) for one in points], Limits(gap=124))
    buffers = Buffers.empty(plan.registers, plan.bits)
    buffers.register_faults[:] = 0
    buffers.bit_faults[:] = 0
    buffers.registers[:] = registers[: plan.registers]
    for register, quality in (faults or {}).items():
        buffers.register_faults[register] = quality
    return decode(layout_of(points, plan.positions), buffers)


def holding(name: str, data_type: str, register: int = 0, kind: str = "analog_input", **cells: str) -> Point:
    return point(name, kind, data_type, table="holding_register", register=str(register), **cells)


def words_of(packed: bytes) -> list[int]:
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


@pytest.mark.parametrize(
    ("data_type", "form", "value"),
    [
        ("uint16", ">H", 65_534),
        ("int16", ">h", -2),
        ("enum16", ">H", 7),
        ("bitfield16", ">H", 0x8001),
        ("uint32", ">I", 4_000_000_000),
        ("int32", ">i", -123_456_789),
        ("acc32", ">I", 123_456_789),
        ("bitfield32", ">I", 0x8000_0001),
        ("uint64", ">Q", 1 << 52),
        ("int64", ">q", -(1 << 52)),
        ("acc64", ">Q", 12_345_678_901),
        ("float32", ">f", -3.75),
        ("float64", ">d", 1e-300),
    ],
)
def test_every_type_is_decoded_in_both_word_orders(data_type: str, form: str, value: float) -> None:
    words = words_of(struct.pack(form, value))
    big = read([holding("x", data_type)], words)
    little = read([holding("x", data_type, word_order="little")], words[::-1])
    assert big.value.tolist() == little.value.tolist() == [value]
    assert big.quality.tolist() == [Quality.ONLINE]


@pytest.mark.parametrize(
    ("data_type", "words"),
    [
        ("int16", [0x8000]),
        ("uint16", [0xFFFF]),
        ("enum16", [0xFFFF]),
        ("int32", [0x8000, 0]),
        ("uint32", [0xFFFF, 0xFFFF]),
        ("acc32", [0, 0]),
        ("int64", [0x8000, 0, 0, 0]),
        ("uint64", [0xFFFF] * 4),
        ("acc64", [0] * 4),
    ],
)
def test_a_not_implemented_value_is_bad_where_the_map_says_so_and_a_number_elsewhere(
    data_type: str, words: list[int]
) -> None:
    marked = read([holding("x", data_type, sentinel="yes")], words)
    assert math.isnan(marked.value[0])
    assert marked.quality.tolist() == [Quality.REFERENCE_ERR]
    plain = read([holding("x", data_type)], words)
    assert math.isfinite(plain.value[0])
    assert plain.quality.tolist() == [Quality.ONLINE]


@pytest.mark.parametrize("words", [[0x7FC0, 0], [0x7F80, 0], [0xFF80, 0]])
def test_a_float_that_is_no_number_is_always_bad(words: list[int]) -> None:
    assert read([holding("x", "float32")], words).quality.tolist() == [Quality.REFERENCE_ERR]


def test_a_scale_factor_register_scales_its_points_exactly() -> None:
    points = [holding("w", "int16", 0, scale_factor="sf"), holding("sf", "int16", 1, sentinel="yes")]
    assert read(points, [123, 0xFFFF]).value[0] == 12.3
    assert read(points, [123, 2]).value[0] == 12_300.0


@pytest.mark.parametrize("exponent", [0x8000, 11, 0xFFF5])
def test_without_a_sound_scale_factor_a_value_is_bad(exponent: int) -> None:
    points = [holding("w", "int16", 0, scale_factor="sf"), holding("sf", "int16", 1, sentinel="yes")]
    reading = read(points, [123, exponent])
    assert math.isnan(reading.value[0])
    assert reading.quality[0] == Quality.REFERENCE_ERR


def test_a_scale_factor_never_makes_a_bad_value_good() -> None:
    points = [holding("w", "int16", 0, scale_factor="sf", sentinel="yes"), holding("sf", "int16", 1)]
    assert read(points, [0x8000, 1]).quality.tolist() == [Quality.REFERENCE_ERR, Quality.ONLINE]


def test_a_scale_factor_that_was_not_read_spoils_what_it_scales() -> None:
    points = [holding("w", "int16", 0, scale_factor="sf"), holding("sf", "int16", 1)]
    assert read(points, [5, 1], {1: Quality.COMM_LOST}).quality.tolist() == [Quality.COMM_LOST, Quality.COMM_LOST]


def test_a_value_of_which_one_register_was_not_read_is_bad() -> None:
    points = [holding("x", "uint32", 0), holding("y", "uint16", 2)]
    assert read(points, [0, 1, 2], {1: Quality.COMM_LOST}).quality.tolist() == [Quality.COMM_LOST, Quality.ONLINE]


def test_a_missing_scale_factor_point_is_an_error_of_the_map() -> None:
    with pytest.raises(ValueError, match=r"a\.w.*a\.sf"):
        read([holding("w", "int16", 0, scale_factor="sf")], [0])


def test_bits_pairs_states_and_whole_registers_become_binaries() -> None:
    points = [
        holding("bit", "bitfield16", 0, "binary_input", bit="3"),
        holding("pair", "bitfield16", 0, "double_bit_input", bit="3"),
        holding("high", "bitfield32", 1, "binary_input", bit="31"),
        holding("any", "uint16", 0, "binary_input"),
        holding("state", "enum16", 3, "binary_input", bit="=4|5"),
        holding("other", "enum16", 3, "binary_input", bit="=7"),
    ]
    assert read(points, [0b11000, 0x8000, 0, 5]).value.tolist() == [1, 3, 1, 1, 1, 0]
    assert read(points, [0b10000, 0, 1, 7]).value.tolist() == [0, 2, 0, 1, 0, 1]


def test_a_bit_of_a_register_that_is_not_implemented_is_bad() -> None:
    points = [holding("bit", "bitfield32", 0, "binary_input", bit="3", sentinel="yes")]
    assert read(points, [0xFFFF, 0xFFFF]).quality.tolist() == [Quality.REFERENCE_ERR]


def test_texts_end_at_their_first_zero() -> None:
    reading = read([holding("name", "string4", 0, "string")], words_of(b"Acme\0\0x "))
    assert reading.texts == {0: "Acme"}
    assert math.isnan(reading.value[0])


def test_a_text_that_is_not_utf8_is_shown_and_does_not_raise() -> None:
    assert read([holding("name", "string1", 0, "string")], [0xFF41]).texts == {0: "\N{REPLACEMENT CHARACTER}A"}


def test_coils_have_a_buffer_of_their_own() -> None:
    points = [
        point("on", "binary_input", table="coil", register="4"),
        point("off", "binary_input", table="discrete_input", register="4"),
    ]
    plan = plan_reads([address_of(one) for one in points], Limits())
    buffers = Buffers.empty(0, 2)
    buffers.bits[:] = [True, False]
    buffers.bit_faults[:] = [Quality.NONE, Quality.COMM_LOST]
    reading = decode(layout_of(points, plan.positions), buffers)
    assert reading.value.tolist() == [1, 0]
    assert reading.quality.tolist() == [Quality.ONLINE, Quality.COMM_LOST]


def test_before_the_first_scan_nothing_is_good() -> None:
    points = [holding("x", "uint16"), point("c", "binary_input", table="coil", register="1")]
    plan = plan_reads([address_of(one) for one in points], Limits())
    reading = decode(layout_of(points, plan.positions), Buffers.empty(plan.registers, plan.bits))
    assert not (reading.quality & np.uint16(Quality.ONLINE)).any()


@pytest.mark.parametrize(
    ("data_type", "value", "words"),
    [
        ("int16", -2.4, [0xFFFE]),
        ("uint32", 65_537, [1, 1]),
        ("float32", -3.75, words_of(struct.pack(">f", -3.75))),
        ("float64", 0.1, words_of(struct.pack(">d", 0.1))),
    ],
)
def test_a_value_is_encoded_for_its_wire_type(data_type: str, value: float, words: list[int]) -> None:
    big = address("analog_output", data_type, table="holding_register", register="0")
    little = address("analog_output", data_type, table="holding_register", register="0", word_order="little")
    assert list(encode_number(big, value)) == words
    assert list(encode_number(little, value)) == words[::-1]


@pytest.mark.parametrize(
    ("data_type", "value"),
    [("int16", 32_768), ("uint16", -1), ("uint32", 2**32), ("float32", 1e39), ("int64", 2.0**63), ("int16", math.nan)],
)
def test_a_value_outside_its_wire_type_is_not_encoded(data_type: str, value: float) -> None:
    with pytest.raises(CannotEncode):
        encode_number(address("analog_output", data_type, table="holding_register", register="0"), value)


def test_a_value_that_would_mean_not_implemented_is_not_encoded() -> None:
    marked = address("analog_output", "int16", table="holding_register", register="0", sentinel="yes")
    with pytest.raises(CannotEncode, match="not implemented"):
        encode_number(marked, -32_768)


def test_a_scaled_value_needs_its_scale_factor() -> None:
    scaled = address("analog_output", "int32", table="holding_register", register="0", scale_factor="sf")
    assert encode_number(scaled, 12.3, -1) == (0, 123)
    assert encode_number(scaled, 12_000, 3) == (0, 12)
    for unknown in (None, math.nan, 11):
        with pytest.raises(CannotEncode, match="scale factor"):
            encode_number(scaled, 1.0, unknown)


def test_a_flag_changes_no_more_of_its_register_than_it_must() -> None:
    bit = address("binary_output", table="holding_register", register="0", bit="3")
    assert flag_word(bit, True, 0b0001) == 0b1001
    assert flag_word(bit, False, 0b1001) == 0b0001
    state = address("binary_output", "enum16", table="holding_register", register="0", bit="=0|1")
    assert [flag_word(state, True, before) for before in (1, 9)] == [1, 0]
    assert [flag_word(state, False, before) for before in (1, 9)] == [2, 9]


INTEGERS = ["uint16", "int16", "uint32", "int32", "uint64", "int64"]


@given(st.sampled_from(INTEGERS), st.sampled_from(["big", "little"]), st.data())
def test_what_is_encoded_is_decoded_as_it_was(data_type: str, order: str, data: st.DataObject) -> None:
    one = holding("x", data_type, word_order=order)
    lowest, highest = address_of(one).data_type.limits
    value = data.draw(st.integers(max(lowest, -(2**53)), min(highest, 2**53)))
    words = encode_number(address_of(one), value)
    assert read([one], list(words)).value.tolist() == [value]


@given(st.lists(st.integers(0, 0xFFFF), min_size=8, max_size=8), st.integers(-40_000, 40_000))
def test_no_registers_make_decoding_raise_or_a_bad_scale_factor_good(registers: list[int], exponent: int) -> None:
    points = [
        holding("f", "float32", 0),
        holding("d", "float64", 2, word_order="little"),
        holding("w", "int32", 5, scale_factor="sf", sentinel="yes"),
        holding("sf", "int16", 7, sentinel="yes"),
        holding("s", "string4", 2, "string"),
        holding("b", "bitfield32", 3, "binary_input", bit="30", sentinel="yes"),
    ]
    registers[7] = exponent & 0xFFFF
    reading = read(points, registers)
    good = reading.quality == Quality.ONLINE
    assert np.isfinite(reading.value[good & (np.arange(len(points)) != 4)]).all()
    signed = (exponent + 0x8000) % 0x10000 - 0x8000
    assert not good[2] or abs(signed) <= 10
