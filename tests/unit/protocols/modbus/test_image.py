"""What a server shows, and what writes to it want."""

import math

import numpy as np
import pytest

from protocols.modbus.config import Table
from protocols.modbus.image import Image
from protocols.modbus.inbound import Outputs, Refused
from protocols.modbus.serving import answer_read, parse_write
from tests.unit.protocols.modbus.making import constant, point
from vppscada.model.commands import AnalogValue, Crob
from vppscada.model.points import Point
from vppscada.model.quality import Quality


def holding(name: str, data_type: str, register: int, kind: str = "analog_input", **cells: str) -> Point:
    return point(name, kind, data_type, table="holding_register", register=str(register), **cells)


def put(image: Image, places: list[int], values: list[float], quality: Quality = Quality.ONLINE) -> None:
    image.put(
        np.array(places, dtype=np.intp),
        np.array(values, dtype=np.float64),
        np.full(len(places), quality, dtype=np.uint16),
        {},
    )


def words(image: Image, start: int, count: int) -> list[int]:
    found = image.words(Table.HOLDING_REGISTER, start, count)
    assert found is not None
    return [int(word) for word in found]


def test_values_lie_at_their_addresses_in_their_word_order() -> None:
    image = Image([holding("a", "int16", 5), holding("b", "uint32", 6, word_order="little")])
    put(image, [0, 1], [-2, 65_538])
    assert words(image, 5, 3) == [0xFFFE, 2, 1]


def test_registers_between_points_read_as_zero_and_those_outside_do_not_read() -> None:
    image = Image([holding("a", "int16", 5), holding("b", "int16", 8)])
    assert words(image, 6, 2) == [0, 0]
    assert image.words(Table.HOLDING_REGISTER, 4, 2) is None
    assert image.words(Table.HOLDING_REGISTER, 8, 2) is None
    assert image.words(Table.INPUT_REGISTER, 5, 1) is None


def test_constants_show_from_the_beginning_and_scale_what_names_them() -> None:
    image = Image([holding("w", "int16", 0, scale_factor="sf"), constant(holding("sf", "int16", 1), -1)])
    put(image, [0], [12.34])
    assert words(image, 0, 2) == [123, 0xFFFF]


def test_a_scale_factor_that_comes_with_its_values_counts_for_them() -> None:
    image = Image([holding("w", "int16", 0, scale_factor="sf"), holding("sf", "int16", 1)])
    put(image, [0, 1], [12_000, 3])
    assert words(image, 0, 2) == [12, 3]


def test_of_several_values_of_a_point_the_last_one_stands() -> None:
    image = Image([holding("a", "int16", 0), holding("f", "bitfield16", 1, "binary_input", bit="0")])
    put(image, [0, 1, 0, 1], [1, 1, 2, 0])
    assert words(image, 0, 2) == [2, 0]


@pytest.mark.parametrize(("data_type", "shown"), [("int16", [0x8000]), ("uint16", [0xFFFF]), ("enum16", [0xFFFF])])
def test_a_bad_value_shows_as_not_implemented(data_type: str, shown: list[int]) -> None:
    image = Image([holding("a", data_type, 0, sentinel="yes")])
    put(image, [0], [7])
    assert words(image, 0, 1) == [7]
    put(image, [0], [7], Quality.COMM_LOST)
    assert words(image, 0, 1) == shown


def test_a_bad_value_without_such_a_word_leaves_the_last_one() -> None:
    image = Image([holding("a", "int16", 0)])
    put(image, [0], [7])
    put(image, [0], [8], Quality.ONLINE | Quality.COMM_LOST)
    assert words(image, 0, 1) == [7]


def test_a_bad_float_shows_as_not_a_number() -> None:
    image = Image([holding("a", "float32", 0)])
    put(image, [0], [7], Quality.NONE)
    assert math.isnan(image.reading().value[0])


@pytest.mark.parametrize(
    ("data_type", "value", "shown"),
    [("int16", 40_000, 32_767), ("int16", -40_000, -32_767), ("uint16", 70_000, 65_534), ("uint16", -1, 0)],
)
def test_a_value_out_of_range_shows_the_nearest_that_means_a_number(data_type: str, value: float, shown: int) -> None:
    image = Image([holding("a", data_type, 0, sentinel="yes")])
    put(image, [0], [value])
    assert image.reading().value.tolist() == [shown]


@pytest.mark.parametrize("data_type", ["uint64", "int64", "float32"])
def test_the_widest_values_do_not_wrap(data_type: str) -> None:
    image = Image([holding("a", data_type, 0)])
    put(image, [0], [1e300])
    assert image.reading().value[0] > 1e18


def test_states_of_one_register_give_way_to_the_one_that_is_entered() -> None:
    image = Image(
        [
            holding("running", "enum16", 0, "binary_input", bit="=4|5"),
            holding("fault", "enum16", 0, "binary_input", bit="=7"),
        ]
    )
    put(image, [0, 1], [1, 0])
    assert words(image, 0, 1) == [4]
    put(image, [1, 0], [1, 0])
    assert words(image, 0, 1) == [7]
    put(image, [0, 1], [0, 0])
    assert words(image, 0, 1) == [0]


def test_a_pair_of_bits_is_put_as_a_pair() -> None:
    image = Image([holding("pos", "bitfield16", 0, "double_bit_input", bit="4")])
    put(image, [0], [2])
    assert words(image, 0, 1) == [0x20]


def test_an_unfed_alarm_register_shows_no_alarm() -> None:
    image = Image(
        [holding("all", "bitfield32", 0, sentinel="yes"), holding("one", "bitfield32", 0, "binary_input", bit="5")]
    )
    assert words(image, 0, 2) == [0, 0]


def test_texts_are_cut_to_their_registers() -> None:
    image = Image([holding("name", "string2", 0, "string")])
    image.put(np.zeros(0, np.intp), np.zeros(0), np.zeros(0, np.uint16), {0: "Turbine"})
    assert image.reading().texts == {0: "Turb"}


OUTPUTS = [
    point("go", "binary_output", table="coil", register="0"),
    point("seen", "binary_input", table="coil", register="1"),
    holding("wide", "float32", 0, "analog_output"),
    holding("read_only", "int16", 2),
    holding("start", "bitfield16", 3, "binary_output", bit="0"),
    holding("reset", "bitfield16", 3, "binary_output", bit="1"),
    holding("set", "int16", 4, "analog_output", sentinel="yes"),
    holding("enable", "enum16", 5, "binary_output"),
]


def test_a_write_of_a_value_wants_that_value_of_its_point() -> None:
    (wanted,) = Outputs(Image(OUTPUTS)).registers(0, [0x4070, 0])
    assert (wanted.place, wanted.body) == (2, AnalogValue(3.75))


def test_a_write_over_several_points_wants_each() -> None:
    wanted = Outputs(Image(OUTPUTS)).registers(4, [0xFFFB, 1])
    assert [(one.place, one.value) for one in wanted] == [(6, -5.0), (7, 1.0)]


@pytest.mark.parametrize(
    ("start", "words", "code"),
    [
        (0, [0], 2),  # half a float
        (2, [1], 2),  # an input
        (1, [0, 1], 2),
        (6, [0], 2),  # nothing there
        (4, [0x8000], 3),  # 'not implemented' is no setpoint
        (0, [0x7FC0, 0], 3),  # not a number
    ],
)
def test_a_write_that_means_nothing_is_refused(start: int, words: list[int], code: int) -> None:
    with pytest.raises(Refused) as caught:
        Outputs(Image(OUTPUTS)).registers(start, words)
    assert caught.value.code == code


def test_of_the_bits_of_a_register_those_that_change_are_wanted() -> None:
    image = Image(OUTPUTS)
    put(image, [4], [1])
    wanted = Outputs(image).registers(3, [0b11])
    assert [(one.place, isinstance(one.body, Crob) and one.body.wants_on) for one in wanted] == [(5, True)]


def test_a_bit_written_again_is_wanted_again() -> None:
    image = Image(OUTPUTS)
    put(image, [4], [1])
    assert [one.place for one in Outputs(image).registers(3, [0b01])] == [4]


def test_coils_that_are_no_outputs_cannot_be_written() -> None:
    outputs = Outputs(Image(OUTPUTS))
    assert [one.place for one in outputs.coils(0, [True])] == [0]
    with pytest.raises(Refused):
        outputs.coils(0, [True, True])


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("2b0e0100", 1),
        ("0300000000", 3),
        ("030000007e", 3),
        ("03000000", 3),
        ("0300060001", 2),
        ("0100000003", 2),
        ("01000007d1", 3),
    ],
)
def test_reads_that_are_not_sound_get_their_exception(pdu: str, code: int) -> None:
    with pytest.raises(Refused) as caught:
        answer_read(Image(OUTPUTS), bytes.fromhex(pdu))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "pdu", ["05000012", "0500001234", "060000", "1000000001", "100000000103000000", "0f0000000902ff", "10000000000000"]
)
def test_writes_that_are_not_sound_are_refused(pdu: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_write(bytes.fromhex(pdu))
    assert caught.value.code == 3


def test_coils_of_a_multiple_write_come_lowest_first() -> None:
    writing = parse_write(bytes.fromhex("0f0005000a020102"))
    assert writing is not None
    assert writing.start == 5
    assert [i for i, on in enumerate(writing.states) if on] == [0, 9]
    assert writing.echo == bytes.fromhex("0005000a")
