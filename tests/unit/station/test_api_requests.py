"""Every line of the local API becomes a request or a fault."""

import json

import pytest

from vppscada.model.points import Point, PointKind
from vppscada.station.api_requests import (
    RequestFault,
    read_offset,
    read_operate,
    read_request,
    wanted_rows,
)

POINTS = [
    Point("a.power", PointKind.ANALOG_INPUT),
    Point("a.setpoint", PointKind.ANALOG_OUTPUT),
    Point("b.power", PointKind.ANALOG_INPUT),
]
ROW_OF = {point.id: row for row, point in enumerate(POINTS)}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"1" * 60_000, "not JSON"),
        (b"[]", "no object"),
        (b'{"method": "status"}', "no id"),
        (b'{"id": true, "method": "status"}', "no id"),
        (b'{"id": {}, "method": "status"}', "no id"),
        (b'{"id": 1, "method": ["status"]}', "unknown method"),
        (b'{"id": 1, "method": "shutdown"}', "unknown method"),
        (b'{"id": 1, "method": "status", "params": 5}', "params"),
    ],
)
def test_what_is_no_request_is_a_fault(line: bytes, words: str) -> None:
    with pytest.raises(RequestFault, match=words):
        read_request(line)


def test_a_fault_of_a_request_with_an_id_keeps_it() -> None:
    with pytest.raises(RequestFault) as caught:
        read_request(b'{"id": "x", "method": "nothing"}')
    assert caught.value.request_id == "x"


def test_rows_are_named_by_point_or_asset_each_once() -> None:
    assert wanted_rows({}, POINTS, ROW_OF) == [0, 1, 2]
    assert wanted_rows({"points": ["b.power", "a", "a.power"]}, POINTS, ROW_OF) == [2, 0, 1]
    with pytest.raises(RequestFault, match="no point or asset 'c'"):
        wanted_rows({"points": ["c"]}, POINTS, ROW_OF)
    with pytest.raises(RequestFault, match="no list"):
        wanted_rows({"points": [["a"]]}, POINTS, ROW_OF)


@pytest.mark.parametrize("offset", [-1, 1.5, "1", True])
def test_an_offset_is_a_whole_number_from_0(offset: object) -> None:
    with pytest.raises(RequestFault, match="offset"):
        read_offset({"offset": offset})


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"value": 1.0}, "point"),
        ({"point": ["a.setpoint"], "value": 1.0}, "point"),
        ({"point": "a.setpoint"}, "value"),
        ({"point": "a.setpoint", "value": True}, "value"),
        ({"point": "a.setpoint", "value": "1"}, "value"),
        ({"point": "a.setpoint", "value": json.loads("NaN")}, "value"),
        ({"point": "a.setpoint", "value": json.loads("Infinity")}, "value"),
        ({"point": "a.setpoint", "value": 10**400}, "value"),
        ({"point": "a.setpoint", "value": 1.0, "reason": "x" * 201}, "reason"),
        ({"point": "a.setpoint", "value": 1.0, "lifetime_s": 0.0}, "lifetime_s"),
        ({"point": "a.setpoint", "value": 1.0, "lifetime_s": 1e9}, "lifetime_s"),
        ({"point": "a.setpoint", "value": 1.0, "verify_s": -1}, "verify_s"),
    ],
)
def test_a_command_without_sense_is_a_fault(params: dict[str, object], words: str) -> None:
    with pytest.raises(RequestFault, match=words):
        read_operate(params, ROW_OF)


def test_a_command_has_its_row_and_its_times() -> None:
    wanted = read_operate({"point": "a.setpoint", "value": 2, "verify_s": 3}, ROW_OF)
    assert (wanted.row, wanted.value, wanted.verify_s) == (1, 2.0, 3.0)
