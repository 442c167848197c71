"""Addresses and settings: good ones read, and every fault of a bad one told at once."""

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address, command_variation, variations_of
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from vppscada.model.errors import CellFaults, SettingFaults
from vppscada.model.points import Point, PointKind


def test_an_index_alone_is_an_address() -> None:
    cells = {"index": " 12 ", "static_variation": "", "event_variation": ""}
    assert DRIVER.read_address(cells, PointKind.ANALOG_INPUT, "float32") == Dnp3Address(12)


def test_variations_bind_where_they_are_named() -> None:
    cells = {"index": "0", "static_variation": "2", "event_variation": "4"}
    assert DRIVER.read_address(cells, PointKind.ANALOG_INPUT, "") == Dnp3Address(0, 2, 4)


def test_every_fault_of_a_line_is_told_at_once() -> None:
    cells = {"index": "70000", "static_variation": "9", "event_variation": "x"}
    with pytest.raises(CellFaults) as caught:
        DRIVER.read_address(cells, PointKind.ANALOG_INPUT, "uint16")
    assert [f.column for f in caught.value.faults] == ["index", "static_variation", "event_variation", "data_type"]


@pytest.mark.parametrize("cell", ["", "-1", "1.5", "٣", "65536", "0x10"])
def test_an_index_is_a_whole_number_up_to_65535(cell: str) -> None:
    with pytest.raises(CellFaults):
        DRIVER.read_address({"index": cell}, PointKind.COUNTER, "")


@pytest.mark.parametrize(
    ("kind", "data_type", "fits"),
    [
        (PointKind.BINARY_INPUT, "", True),
        (PointKind.BINARY_INPUT, "int16", False),
        (PointKind.COUNTER, "uint32", True),
        (PointKind.COUNTER, "float32", False),
        (PointKind.ANALOG_OUTPUT, "float64", True),
    ],
)
def test_a_data_type_must_fit_the_kind(kind: PointKind, data_type: str, fits: bool) -> None:
    if fits:
        assert DRIVER.read_address({"index": "1"}, kind, data_type) == Dnp3Address(1)
    else:
        with pytest.raises(CellFaults):
            DRIVER.read_address({"index": "1"}, kind, data_type)


def test_points_of_one_index_differ_by_kind_and_not_by_variation() -> None:
    key = DRIVER.address_key
    assert key(Dnp3Address(1, 5), PointKind.ANALOG_INPUT) == key(Dnp3Address(1), PointKind.ANALOG_INPUT)
    assert key(Dnp3Address(1), PointKind.ANALOG_INPUT) != key(Dnp3Address(1), PointKind.COUNTER)


@pytest.mark.parametrize(
    ("kind", "data_type", "expected"),
    [
        (PointKind.ANALOG_INPUT, "int32", (1, 3)),
        (PointKind.ANALOG_INPUT, "", (5, 7)),
        (PointKind.ANALOG_OUTPUT, "float64", (4, 8)),
        (PointKind.COUNTER, "uint16", (2, 6)),
        (PointKind.BINARY_INPUT, "", (2, 2)),
        (PointKind.STRING, "", (0, 0)),
    ],
)
def test_the_data_type_chooses_the_variations(kind: PointKind, data_type: str, expected: tuple[int, int]) -> None:
    assert variations_of(Point("a.b", kind, data_type=data_type, address=Dnp3Address(0))) == expected


def test_the_data_type_chooses_the_variation_of_a_command() -> None:
    words = ("int32", "int16", "float32", "float64", "")
    points = [Point("a.b", PointKind.ANALOG_OUTPUT, data_type=word, address=Dnp3Address(0)) for word in words]
    assert [command_variation(point) for point in points] == [1, 2, 3, 4, 3]


def test_a_session_table_needs_no_more_than_a_host() -> None:
    assert DRIVER.read_session({"host": "10.0.0.7"}) == Dnp3SessionSettings("10.0.0.7")


def test_unsolicited_is_a_word_or_a_list_of_classes() -> None:
    read = DRIVER.read_session
    assert read({"host": "h", "unsolicited": False}).unsolicited == ()
    assert read({"host": "h", "unsolicited": True}).unsolicited == (1, 2, 3)
    assert read({"host": "h", "unsolicited": [3, 1]}).unsolicited == (1, 3)


def test_every_fault_of_a_session_table_is_told_at_once() -> None:
    table = {
        "port": 70000,
        "local_address": True,
        "remote_address": "10",
        "response_timeout_s": 0,
        "unsolicited": [4],
        "time_sync": "gps",
        "colour": "red",
    }
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session(table)
    assert {f.key for f in caught.value.faults} == {"host", *table}


def test_what_a_master_does_beside_polls_is_read_from_its_table() -> None:
    table = {
        "host": "h",
        "step_retries": 3,
        "time_sync_period_s": 3600,
        "assign_classes": True,
        "write_deadbands": True,
        "freeze_period_s": 900,
        "freeze_clear": True,
        "commands_per_request": 100,
        "acknowledge_direct": False,
    }
    read = DRIVER.read_session(table)
    assert {key: getattr(read, key) for key in table} == table


def test_every_fault_of_what_it_does_beside_polls_is_told() -> None:
    table = {
        "step_retries": 11,
        "time_sync_period_s": -1,
        "assign_classes": "yes",
        "write_deadbands": 1,
        "freeze_period_s": "1h",
        "freeze_clear": None,
        "commands_per_request": 101,
        "acknowledge_direct": "no",
    }
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session({"host": "h", **table})
    assert {fault.key for fault in caught.value.faults} >= table.keys() - {"freeze_clear"}


@pytest.mark.parametrize(
    ("kind", "source", "fits"),
    [
        (PointKind.COUNTER, "frozen", True),
        (PointKind.ANALOG_INPUT, "frozen", True),
        (PointKind.ANALOG_INPUT, "command", True),
        (PointKind.BINARY_INPUT, "command", True),
        (PointKind.COUNTER, "command", False),
        (PointKind.BINARY_INPUT, "frozen", False),
        (PointKind.BINARY_OUTPUT, "command", False),
        (PointKind.ANALOG_INPUT, "froze", False),
    ],
)
def test_a_source_is_a_word_that_fits_the_kind(kind: PointKind, source: str, fits: bool) -> None:
    cells = {"index": "1", "source": source}
    if fits:
        address = DRIVER.read_address(cells, kind, "")
        assert address == Dnp3Address(1, source=source)
        assert DRIVER.address_key(address, kind) != DRIVER.address_key(Dnp3Address(1), kind)
    else:
        with pytest.raises(CellFaults) as caught:
            DRIVER.read_address(cells, kind, "")
        assert [fault.column for fault in caught.value.faults] == ["source"]


def test_two_stations_with_one_address_are_a_fault() -> None:
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session({"host": "h", "local_address": 10})
    assert [f.key for f in caught.value.faults] == ["remote_address"]


def test_the_outstation_of_a_session_has_its_addresses_swapped() -> None:
    settings = DRIVER.outstation_settings(Dnp3SessionSettings("127.0.0.1", 20001, local_address=3, remote_address=77))
    assert isinstance(settings, Dnp3OutstationSettings)
    assert (settings.host, settings.port, settings.local_address, settings.master_address) == (
        "127.0.0.1",
        20001,
        77,
        3,
    )


def test_classes_and_variations_of_freezes_and_commands_are_read_where_the_map_has_them() -> None:
    cells = {"index": "0", "frozen_variation": "5", "frozen_event_variation": "6", "frozen_class": "3"}
    address = DRIVER.read_address(cells, PointKind.COUNTER, "")
    assert address == Dnp3Address(0, frozen_variation=5, frozen_event_variation=6, frozen_class=3)
    assert DRIVER.read_address({"index": "0", "command_class": "1"}, PointKind.BINARY_OUTPUT, "").command_class == 1


@pytest.mark.parametrize(
    ("kind", "column", "cell"),
    [
        (PointKind.BINARY_INPUT, "frozen_class", "1"),
        (PointKind.BINARY_INPUT, "frozen_variation", "1"),
        (PointKind.COUNTER, "frozen_variation", "3"),
        (PointKind.ANALOG_INPUT, "frozen_event_variation", "9"),
        (PointKind.COUNTER, "command_class", "1"),
        (PointKind.ANALOG_OUTPUT, "command_class", "4"),
    ],
)
def test_classes_of_freezes_and_commands_belong_to_the_kinds_that_have_them(
    kind: PointKind, column: str, cell: str
) -> None:
    with pytest.raises(CellFaults) as caught:
        DRIVER.read_address({"index": "0", column: cell}, kind, "")
    assert [f.column for f in caught.value.faults] == [column]
