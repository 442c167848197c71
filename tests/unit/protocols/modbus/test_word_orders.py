"""The four orders, BCD, and finding out which order a device has."""

import asyncio
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.codec import CannotEncode, encode_number
from protocols.modbus.config import WordOrder
from protocols.modbus.data_types import NUMBERS
from protocols.modbus.image import Image
from protocols.modbus.order_survey import survey_orders
from protocols.modbus.word_orders import Expected, judge_orders
from tests.unit.protocols.modbus.making import FakeDevice, address, point, session_settings, zeros
from tests.unit.protocols.modbus.test_codec import holding, read
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost


def registers_of(octets: bytes) -> list[int]:
    return list(struct.unpack(f">{len(octets) // 2}H", octets))


OCTETS = struct.pack(">f", 50.25)
ON_THE_WIRE = {
    WordOrder.BIG: OCTETS,
    WordOrder.LITTLE: OCTETS[2:] + OCTETS[:2],
    WordOrder.BIG_SWAPPED: bytes((OCTETS[1], OCTETS[0], OCTETS[3], OCTETS[2])),
    WordOrder.LITTLE_SWAPPED: OCTETS[::-1],
}


@pytest.mark.parametrize("order", list(WordOrder))
def test_a_value_is_decoded_and_encoded_in_each_order(order: WordOrder) -> None:
    words = registers_of(ON_THE_WIRE[order])
    one = holding("x", "float32", word_order=order)
    assert read([one], words).value.tolist() == [50.25]
    output = address("analog_output", "float32", table="holding_register", register="0", word_order=order)
    assert list(encode_number(output, 50.25)) == words


@pytest.mark.parametrize("order", list(WordOrder))
def test_what_a_server_shows_is_what_a_client_reads_in_each_order(order: WordOrder) -> None:
    points = [
        holding("wide", "int64", 0, word_order=order),
        holding("digits", "bcd32", 4, word_order=order),
        holding("text", "string4", 6, "string", word_order=order),
        holding("bit", "bitfield32", 10, "binary_input", word_order=order, bit="17"),
        holding("pair", "bitfield16", 12, "double_bit_input", word_order=order, bit="6"),
    ]
    image = Image(points)
    values = np.array([-(2.0**40), 12_345_678, np.nan, 1, 2])
    image.put(np.arange(5), values, np.full(5, Quality.ONLINE, dtype=np.uint16), {2: "AB-77"})
    reading = image.reading()
    assert reading.value.tolist()[:2] == values.tolist()[:2]
    assert reading.value.tolist()[3:] == [1, 2]
    assert reading.texts == {2: "AB-77"}


def test_a_text_with_swapped_bytes_is_read_in_order() -> None:
    one = holding("x", "string2", 0, "string", word_order="big_swapped")
    assert read([one], registers_of(b"BADC")).texts == {0: "ABCD"}


@given(st.sampled_from(["bcd16", "bcd32", "bcd64"]), st.data())
def test_digits_are_written_as_they_are_read(data_type: str, data: st.DataObject) -> None:
    # beyond 2^53 a float has not every whole number
    number = data.draw(st.integers(0, min(NUMBERS[data_type].limits[1], 2**53)))
    output = address("analog_output", data_type, table="holding_register", register="0")
    words = list(encode_number(output, float(number)))
    assert int("".join(f"{word:04x}" for word in words)) == number
    assert read([holding("x", data_type)], words).value.tolist() == [number]


def test_what_is_no_decimal_digit_is_no_value() -> None:
    reading = read([holding("x", "bcd16")], [0x12A4])
    assert np.isnan(reading.value[0])
    assert reading.quality[0] == Quality.REFERENCE_ERR


def test_more_digits_than_a_type_has_are_not_sent() -> None:
    with pytest.raises(CannotEncode, match="bcd16"):
        encode_number(address("analog_output", "bcd16", table="holding_register", register="0"), 10_000)


@pytest.mark.parametrize("order", list(WordOrder))
def test_the_order_that_gives_what_is_expected_is_the_only_one_that_fits(order: WordOrder) -> None:
    where = address("analog_input", "float32", table="input_register", register="9")
    samples = [registers_of(ON_THE_WIRE[order])]
    found = judge_orders(where, samples, Expected(near=50.0, within=1.0))
    assert [one.order for one in found if one.fits] == [order]
    assert found[0].values == (50.25,)


def test_what_is_expected_is_told_in_scaled_units() -> None:
    where = address("analog_input", "int32", table="input_register", register="9")
    found = judge_orders(where, [[0, 0x8000]], Expected(lowest=327.0, highest=329.0, scale=0.01))
    assert [(one.order, one.values) for one in found if one.fits] == [(WordOrder.BIG, (327.68,))]


@given(
    st.lists(st.floats(0.5, 2000.0, width=32), min_size=1, max_size=4),
    st.sampled_from(list(WordOrder)),
)
def test_the_right_order_always_fits(values: list[float], order: WordOrder) -> None:
    output = address("analog_output", "float32", table="holding_register", register="0", word_order=order)
    samples = [encode_number(output, value) for value in values]
    found = judge_orders(output, samples, Expected(lowest=0.5, highest=2000.0))
    assert next(one for one in found if one.order is order).fits
    assert found[0].fits


def test_without_an_expectation_the_steadiest_order_with_a_size_of_measured_values_comes_first() -> None:
    output = address("analog_output", "float32", table="holding_register", register="0", word_order="little")
    samples = [encode_number(output, value) for value in (49.98, 50.02, 50.01)]
    assert judge_orders(output, samples, Expected())[0].order is WordOrder.LITTLE


def test_samples_that_cannot_be_judged_are_refused() -> None:
    where = address("analog_input", "float32", table="input_register", register="9")
    with pytest.raises(ValueError, match="2 registers"):
        judge_orders(where, [[1]], Expected())
    with pytest.raises(ValueError, match="string4"):
        judge_orders(address("string", "string4", table="input_register", register="9"), [[0] * 4], Expected())


async def test_a_device_is_asked_for_the_registers_themselves() -> None:
    def answer(pdu: bytes) -> bytes:
        return b"\x04\x04" + ON_THE_WIRE[WordOrder.LITTLE] if pdu == b"\x04\x00\x09\x00\x02" else pdu[:1] + b"\0"

    one = point("x", "analog_input", "float32", table="input_register", register="9")
    async with FakeDevice(answer).serving() as device:
        found = await survey_orders(session_settings(device.port), one, Expected(near=50, within=1), 3, 0.0)
    assert (found[0].order, found[0].values) == (WordOrder.LITTLE, (50.25,) * 3)
    assert len(device.requests) == 3


@pytest.mark.parametrize("answer", [lambda pdu: pdu[:1] + b"\0", lambda pdu: bytes((pdu[0] | 0x80, 2)), lambda _: None])
async def test_a_device_that_does_not_give_the_registers_is_said_so(answer: object) -> None:
    assert callable(answer)
    one = point("x", "analog_input", "float32", table="input_register", register="9")
    async with FakeDevice(answer).serving() as device:
        with pytest.raises(SessionLost):
            await survey_orders(session_settings(device.port, timeout_s=0.2), one, Expected(), 1, 0.0)


async def test_all_zero_registers_fit_every_order() -> None:
    one = point("x", "analog_input", "float32", table="input_register", register="9")
    async with FakeDevice(zeros).serving() as device:
        found = await asyncio.wait_for(survey_orders(session_settings(device.port), one, Expected(), 1, 0.0), 10)
    assert all(one.fits for one in found)
