"""Object headers: columns out of octets, octets out of columns, and nothing but ObjectError for the rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.dnp3.objects import (
    FORMS,
    ObjectColumns,
    ObjectError,
    ObjectFault,
    ObjectForm,
    Qualifier,
    ValueBeyondVariation,
    all_objects,
    build_command,
    build_events,
    build_octet_strings,
    build_range,
    build_restart_clear,
    build_static,
    build_time,
    consecutive_runs,
    echo_with_status,
    flags_of,
    form_of,
    octets_of_text,
    parse_headers,
    quality_of,
    read_commands,
)
from vppscada.model.commands import AnalogValue, Crob, CrobOperation, TripClose
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality

STATIC_FORMS = [f for f in FORMS.values() if f.kind is not None and not f.is_event]
EVENT_FORMS = [f for f in FORMS.values() if f.kind is not None and f.is_event]


def columns(index: list[int], value: list[float], flags: int = 0x01, time_ms: int = 0) -> ObjectColumns:
    n = len(index)
    return ObjectColumns(
        np.array(index, dtype=np.uint32),
        np.array(value, dtype=np.float64),
        np.full(n, flags, dtype=np.uint8),
        np.full(n, time_ms, dtype=np.int64),
    )


def test_an_analog_range_as_captured_from_the_standard_layout_decodes() -> None:
    data = bytes.fromhex("1e01000304" + "01" + "2a000000" + "05" + "ffffffff")
    (header,) = parse_headers(data, objects_follow=True)
    assert header.indexes().tolist() == [3, 4]
    assert header.values().tolist() == [42.0, -1.0]
    assert header.flags().tolist() == [0x01, 0x05]


def test_packed_binaries_decode_lowest_bit_first() -> None:
    (header,) = parse_headers(bytes.fromhex("01010000090503"), objects_follow=True)
    assert header.values().tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 1, 1]
    assert set(header.flags().tolist()) == {0x01}


def test_packed_double_bits_decode_in_pairs() -> None:
    (header,) = parse_headers(bytes.fromhex("03010000041b02"), objects_follow=True)
    assert header.values().tolist() == [3, 2, 1, 0, 2]


def test_a_binary_event_with_time_carries_state_in_bit_7() -> None:
    time_ms = 1_700_000_000_123
    data = bytes.fromhex("0202280100" + "0701" + "81") + time_ms.to_bytes(6, "little")
    (header,) = parse_headers(data, objects_follow=True)
    assert header.indexes().tolist() == [0x0107]
    assert header.values().tolist() == [1.0]
    assert header.times_ms().tolist() == [time_ms]


@pytest.mark.parametrize("form", STATIC_FORMS, ids=lambda f: f"g{f.group}v{f.variation}")
@settings(max_examples=25)
@given(data=st.data())
def test_static_objects_come_back_as_they_went(form: ObjectForm, data: st.DataObject) -> None:
    index = sorted(data.draw(st.sets(st.integers(0, 2000), min_size=1, max_size=40)))
    largest = 3 if form.kind is PointKind.DOUBLE_BIT_INPUT else 1 if not form.has_value else 1000
    value = [float(data.draw(st.integers(0, largest))) for _ in index]
    octets, used = build_static(form, columns(index, value), 100_000)
    headers = parse_headers(octets, objects_follow=True)
    assert used == len(index)
    assert [i for h in headers for i in h.indexes().tolist()] == index
    assert [v for h in headers for v in h.values().tolist()] == value
    assert {f & 0x3F for h in headers for f in h.flags().tolist()} == {0x01}


@pytest.mark.parametrize("form", EVENT_FORMS, ids=lambda f: f"g{f.group}v{f.variation}")
@settings(max_examples=25)
@given(data=st.data())
def test_events_come_back_as_they_went(form: ObjectForm, data: st.DataObject) -> None:
    index = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40))
    largest = 3 if form.kind is PointKind.DOUBLE_BIT_INPUT else 1 if not form.has_value else 1000
    value = [float(data.draw(st.integers(0, largest))) for _ in index]
    time_ms = data.draw(st.integers(0, 0xFFFF if form.has_relative_time else 2**48 - 1))
    octets, used = build_events(form, columns(index, value, time_ms=time_ms), 100_000)
    (header,) = parse_headers(octets, objects_follow=True)
    assert used == len(index)
    assert header.indexes().tolist() == index
    assert header.values().tolist() == value
    assert set(header.times_ms().tolist()) == {time_ms if form.has_time else 0}


@given(st.integers(0, 300), st.integers(1, 400))
def test_a_static_builder_keeps_within_its_room_and_says_how_far_it_came(room: int, count: int) -> None:
    form = form_of(30, 5)
    given_columns = columns(list(range(count)), [1.0] * count)
    octets, used = build_static(form, given_columns, room)
    assert len(octets) <= room
    assert sum(h.count for h in parse_headers(octets, objects_follow=True)) == used
    assert used == count or len(octets) + form.size + 7 > room


@given(st.integers(0, 300), st.integers(1, 400))
def test_an_event_builder_keeps_within_its_room(room: int, count: int) -> None:
    octets, used = build_events(form_of(32, 7), columns(list(range(count)), [1.0] * count), room)
    assert len(octets) <= room
    assert sum(h.count for h in parse_headers(octets, objects_follow=True)) == used


@given(st.binary(max_size=300), st.booleans())
def test_any_octets_parse_or_raise_object_error(data: bytes, objects_follow: bool) -> None:
    try:
        headers = parse_headers(data, objects_follow=objects_follow)
    except ObjectError as error:
        headers = error.parsed
        assert error.fault in tuple(ObjectFault)
    for header in headers:
        assert len(header.indexes()) == header.count
        assert len(header.times_ms()) == len(header.flags()) == header.count
        assert len(header.values()) in (0, header.count)
        assert header.count <= max(0x10000, 8 * len(data))


@given(st.sampled_from(sorted(FORMS)), st.sampled_from(list(Qualifier)), st.binary(max_size=80))
def test_known_objects_with_any_content_parse_or_raise_object_error(
    key: tuple[int, int], qualifier: Qualifier, rest: bytes
) -> None:
    data = bytes((*key, qualifier)) + rest
    try:
        headers = parse_headers(data, objects_follow=True)
    except ObjectError as error:
        headers = error.parsed
    for header in headers:
        assert len(header.values()) in (0, header.count)
        list(read_commands(header)) if header.group in (12, 41) else None


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        ("1e01", ObjectFault.PARAMETER_ERROR),  # truncated header
        ("1e6300000000", ObjectFault.OBJECT_UNKNOWN),  # no such variation
        ("c80100000000", ObjectFault.OBJECT_UNKNOWN),  # no such group
        ("1e0100050401", ObjectFault.PARAMETER_ERROR),  # stop before start
        ("1e01010000ffff01", ObjectFault.PARAMETER_ERROR),  # 65536 objects claimed, none there
        ("1e01020000000001", ObjectFault.PARAMETER_ERROR),  # 32-bit range: not spoken
        ("1e010601", ObjectFault.PARAMETER_ERROR),  # objects after "all"
        ("0101280100000001", ObjectFault.PARAMETER_ERROR),  # packed states with prefixes
    ],
)
def test_a_malformed_header_names_the_indication_that_answers_it(octets: str, fault: ObjectFault) -> None:
    with pytest.raises(ObjectError) as caught:
        parse_headers(bytes.fromhex(octets), objects_follow=True)
    assert caught.value.fault is fault


def test_headers_before_a_fault_are_kept() -> None:
    good = build_range(form_of(30, 1), columns([0], [7.0]))
    with pytest.raises(ObjectError) as caught:
        parse_headers(good + b"\xc8\x01\x06", objects_follow=True)
    assert [h.values().tolist() for h in caught.value.parsed] == [[7.0]]


def test_a_read_may_name_groups_we_do_not_speak_and_variation_zero() -> None:
    headers = parse_headers(all_objects(60, 1) + all_objects(30) + all_objects(200, 9), objects_follow=False)
    assert [(h.group, h.form is None) for h in headers] == [(60, False), (30, True), (200, True)]


def test_a_read_with_prefixes_carries_indexes_and_no_objects() -> None:
    (header,) = parse_headers(bytes.fromhex("1e05170203ff"), objects_follow=False)
    assert header.indexes().tolist() == [3, 0xFF]
    assert len(header.values()) == 0


def test_a_hostile_count_allocates_nothing() -> None:
    with pytest.raises(ObjectError):
        parse_headers(bytes.fromhex("200728ffff") + bytes(40), objects_follow=True)


@pytest.mark.parametrize(("index", "width"), [(7, 1), (300, 2)])
def test_a_control_block_comes_back_as_it_went(index: int, width: int) -> None:
    crob = Crob(CrobOperation.PULSE_ON, TripClose.CLOSE, count=2, on_ms=500, off_ms=100, clear=True)
    (header,) = parse_headers(build_command(index, crob), objects_follow=True)
    assert header.qualifier is (Qualifier.INDEX_8 if width == 1 else Qualifier.INDEX_16)
    assert list(read_commands(header)) == [(index, crob)]


@pytest.mark.parametrize(("variation", "value"), [(1, -70000.0), (2, -32768.0), (3, 3.75), (4, 1e300)])
def test_an_analog_output_comes_back_as_it_went(variation: int, value: float) -> None:
    (header,) = parse_headers(build_command(9, AnalogValue(value), variation), objects_follow=True)
    assert list(read_commands(header)) == [(9, AnalogValue(value))]


@pytest.mark.parametrize(
    ("variation", "value"),
    [(2, 32768.0), (1, 2.0**31), (3, 1e39), (3, float("inf")), (3, float("nan")), (4, float("nan")), (1, float("inf"))],
)
def test_an_analog_output_that_does_not_fit_is_refused_before_it_leaves(variation: int, value: float) -> None:
    with pytest.raises(ValueBeyondVariation):
        build_command(0, AnalogValue(value), variation)


def test_a_reserved_control_code_is_none_and_no_exception() -> None:
    block = build_command(0, Crob(CrobOperation.LATCH_ON))
    octets = block[:5] + b"\x0f" + block[6:]
    (header,) = parse_headers(octets, objects_follow=True)
    assert list(read_commands(header)) == [(0, None)]


def test_an_echo_differs_from_the_request_in_the_status_alone() -> None:
    request = build_command(5, Crob(CrobOperation.LATCH_ON))
    (header,) = parse_headers(request, objects_follow=True)
    assert echo_with_status(header, np.array([0], dtype=np.uint8)) == request
    assert echo_with_status(header, np.array([4], dtype=np.uint8)) == request[:-1] + b"\x04"


def test_the_restart_clear_is_the_one_of_the_standard() -> None:
    assert build_restart_clear() == bytes.fromhex("50010007" + "0700")


def test_a_time_comes_back_in_milliseconds() -> None:
    (header,) = parse_headers(build_time(50, 1, 1_700_000_000_123), objects_follow=True)
    assert header.times_ms().tolist() == [1_700_000_000_123]


def test_octet_strings_take_their_length_as_variation() -> None:
    octets, used = build_octet_strings(110, [(3, b"abc\0"), (400, octets_of_text(""))], 100)
    first, second = parse_headers(octets, objects_follow=True)
    assert used == 2
    assert (first.variation, first.indexes().tolist(), first.texts()) == (4, [3], [b"abc\0"])
    assert (second.indexes().tolist(), second.texts()) == ([400], [b"\0"])


def test_a_text_too_long_for_an_object_is_cut_between_characters() -> None:
    assert octets_of_text("a" + "é" * 200) == ("a" + "é" * 127).encode()
    assert len(octets_of_text("x" * 300)) == 255


def test_runs_of_consecutive_indexes_are_found() -> None:
    assert consecutive_runs(np.array([0, 1, 2, 5, 7, 8], dtype=np.uint32)) == [(0, 3), (3, 4), (4, 6)]


def test_values_beyond_an_integer_variation_are_clamped_and_flagged() -> None:
    octets, _ = build_static(form_of(30, 2), columns([0, 1, 2], [40000.0, 5.0, float("nan")]), 1000)
    (header,) = parse_headers(octets, objects_follow=True)
    assert header.values().tolist() == [32767.0, 5.0, 0.0]
    assert header.flags().tolist() == [0x21, 0x01, 0x00]


def test_flags_of_an_analog_become_the_words_of_quality_and_back() -> None:
    flags = np.array([0x01, 0x21, 0x41, 0x04, 0x1B], dtype=np.uint8)
    quality = quality_of(flags, PointKind.ANALOG_INPUT)
    assert quality.tolist() == [
        Quality.ONLINE,
        Quality.ONLINE | Quality.OVER_RANGE,
        Quality.ONLINE | Quality.REFERENCE_ERR,
        Quality.COMM_LOST,
        Quality.ONLINE | Quality.RESTART | Quality.REMOTE_FORCED | Quality.LOCAL_FORCED,
    ]
    assert flags_of(quality, PointKind.ANALOG_INPUT).tolist() == flags.tolist()


@given(st.integers(0, 0x3FF), st.sampled_from(list(PointKind)))
def test_no_quality_gets_better_on_its_way_through_the_flags(quality: int, kind: PointKind) -> None:
    column = np.array([quality], dtype=np.uint16)
    back = Quality(int(quality_of(flags_of(column, kind), kind)[0]))
    faults = Quality(quality) & ~Quality.ONLINE
    assert Quality.ONLINE not in back or Quality.ONLINE in Quality(quality)
    if Quality.ONLINE in back and Quality.ONLINE in Quality(quality):
        assert bool(back & ~Quality.ONLINE) == bool(faults)
