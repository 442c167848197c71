"""The column decoder says what asyncua's own decoder says, and survives anything."""

import math
import struct
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.opcua.decode import Items, Malformed, Unusual, decode_data_change, decode_publish
from protocols.opcua.subscription import items_of, unusual_items

VT = ua.VariantType
WHEN = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def value(variant: Any, code: int = 0, source: datetime | None = WHEN, server: datetime | None = None) -> Any:
    dates = (cast(ua.DateTime, source), cast(ua.DateTime, server))
    return ua.DataValue(variant, ua.StatusCode(ua.UInt32(code)), *dates)


def notification(values: list[Any]) -> Any:
    found = ua.DataChangeNotification()
    found.MonitoredItems = [ua.MonitoredItemNotification(7 * i, each) for i, each in enumerate(values)]
    return found


def encoded(values: list[Any]) -> bytes:
    return struct_to_binary(notification(values))


def same(left: Items, right: Items) -> None:
    assert left.handle.tolist() == right.handle.tolist()
    assert left.status.tolist() == right.status.tolist()
    assert left.source_time.tolist() == right.source_time.tolist()
    np.testing.assert_array_equal(left.value, right.value)
    assert left.texts == right.texts


def variants() -> st.SearchStrategy[Any]:
    def whole(low: int, high: int, kind: Any) -> st.SearchStrategy[Any]:
        return st.integers(low, high).map(lambda number: ua.Variant(number, kind))

    return st.one_of(
        st.booleans().map(lambda flag: ua.Variant(flag, VT.Boolean)),
        whole(-128, 127, VT.SByte),
        whole(0, 255, VT.Byte),
        whole(-32768, 32767, VT.Int16),
        whole(0, 65535, VT.UInt16),
        whole(-(2**31), 2**31 - 1, VT.Int32),
        whole(0, 2**32 - 1, VT.UInt32),
        whole(-(2**63), 2**63 - 1, VT.Int64),
        whole(0, 2**64 - 1, VT.UInt64),
        st.floats(width=32).map(lambda number: ua.Variant(number, VT.Float)),
        st.floats().map(lambda number: ua.Variant(number, VT.Double)),
        st.text(max_size=20).map(lambda text: ua.Variant(text, VT.String)),
        st.just(ua.Variant(None, VT.Null)),
    )


codes = st.sampled_from([0, 0x8031_0000, 0x4090_0000, 0x0000_0480])
times = st.sampled_from([None, WHEN, datetime(1999, 12, 31, tzinfo=UTC)])
data_values = st.builds(value, variants(), codes, times, times)


@settings(max_examples=150, deadline=None)
@given(st.lists(data_values, max_size=30))
def test_columns_are_what_asyncua_decodes_into_objects(values: list[Any]) -> None:
    body = encoded(values)
    same(decode_data_change(body), unusual_items(body))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(data_values, st.integers(1, 90)), max_size=6))
def test_long_runs_of_one_kind_are_found_whole(runs: list[tuple[Any, int]]) -> None:
    body = encoded([each for each, count in runs for _ in range(count)])
    same(decode_data_change(body), unusual_items(body))


def test_a_date_is_seconds_since_1970() -> None:
    found = decode_data_change(encoded([value(ua.Variant(WHEN, VT.DateTime))]))
    assert found.value[0] == pytest.approx(WHEN.timestamp())
    assert items_of([0], [value(ua.Variant(WHEN, VT.DateTime))]).value[0] == pytest.approx(WHEN.timestamp())


@pytest.mark.parametrize(
    "variant",
    [ua.Variant([1.0, 2.0], VT.Double), ua.Variant(b"x", VT.ByteString), ua.Variant(ua.LocalizedText("x"))],
)
def test_arrays_and_structures_are_left_to_asyncua_and_are_no_number(variant: Any) -> None:
    body = encoded([value(ua.Variant(1.0, VT.Double)), value(variant)])
    with pytest.raises(Unusual):
        decode_data_change(body)
    found = unusual_items(body)
    assert found.value[0] == 1.0
    assert math.isnan(found.value[1])


def publish_response(notifications: list[Any], sequence: int = 5, result: int = 0) -> bytes:
    response = ua.PublishResponse()
    response.ResponseHeader.RequestHandle = 12
    response.ResponseHeader.ServiceResult = ua.StatusCode(ua.UInt32(result))
    response.Parameters.SubscriptionId = 77
    response.Parameters.AvailableSequenceNumbers = [3, 4]
    response.Parameters.NotificationMessage.SequenceNumber = sequence
    response.Parameters.NotificationMessage.NotificationData = notifications
    return struct_to_binary(response)


def test_a_publish_response_is_read_whole() -> None:
    body = publish_response([notification([value(ua.Variant(1.5, VT.Double))])])
    found = decode_publish(body)
    assert (found.subscription_id, found.sequence_number, found.service_result) == (77, 5, 0)
    assert not found.is_keep_alive
    (items,) = found.items
    assert items.value.tolist() == [1.5]


def test_a_keep_alive_has_no_items() -> None:
    found = decode_publish(publish_response([], sequence=9))
    assert found.is_keep_alive
    assert found.sequence_number == 9


def test_a_status_change_is_told() -> None:
    change = ua.StatusChangeNotification(Status=ua.StatusCode(ua.UInt32(0x800A_0000)))
    assert decode_publish(publish_response([change])).status_change == 0x800A_0000


def test_a_bad_service_result_is_told() -> None:
    assert decode_publish(publish_response([], result=0x8079_0000)).service_result == 0x8079_0000


def test_a_data_change_with_arrays_is_kept_for_later() -> None:
    plain = notification([value(ua.Variant(1.5, VT.Double))])
    array = notification([value(ua.Variant([1, 2], VT.Int32))])
    found = decode_publish(publish_response([plain, array]))
    assert len(found.items) == 1
    assert struct_from_binary(ua.DataChangeNotification, Buffer(found.unusual[0])).MonitoredItems


BODY = publish_response([notification([value(ua.Variant(1.5, VT.Double)), value(ua.Variant("é", VT.String))] * 3)])


def test_every_truncation_is_malformed() -> None:
    end = len(BODY) - 12  # the last twelve octets are lists that are not read
    for length in range(end):
        with pytest.raises((Malformed, Unusual)):
            decode_publish(BODY[:length])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_octet_changed_makes_it_raise_anything_else(data: st.DataObject) -> None:
    body = bytearray(BODY)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_publish(bytes(body))
    except (Malformed, Unusual):
        return


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_noise_makes_it_raise_anything_else(noise: bytes) -> None:
    for decode in (decode_publish, decode_data_change):
        try:
            decode(noise)
        except (Malformed, Unusual):
            continue


def test_a_lie_about_the_number_of_items_allocates_nothing() -> None:
    with pytest.raises(Malformed):
        decode_data_change(struct.pack("<i", 2**31 - 1) + b"\x00" * 100)


def test_items_under_a_mask_keep_their_texts() -> None:
    variants = [ua.Variant("a", VT.String), ua.Variant(2.0, VT.Double), ua.Variant("c", VT.String)]
    found = decode_data_change(encoded([value(each) for each in variants]))
    masked = found.where(np.array([False, True, True]))
    assert masked.handle.tolist() == [7, 14]
    assert masked.texts == {1: "c"}
    assert found.where(np.array([True, True, True])) is found
