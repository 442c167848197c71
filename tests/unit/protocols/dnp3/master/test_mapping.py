"""Objects become rows: dense and sparse maps, times, texts, and indexes that no map has."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.objects import (
    FORMS,
    ObjectColumns,
    ObjectError,
    Qualifier,
    build_events,
    build_octet_strings,
    build_static,
    build_time,
    form_of,
    parse_headers,
)
from vppscada.model.batch import Batch, Cause
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality

NOW_MS = 1_700_000_000_000


def mapping_of(kind: PointKind, rows: dict[int, int], statistics: Counter[str] | None = None) -> PointMapping:
    points = [RowPoint(row, Point(f"a.p{i}", kind, address=Dnp3Address(i))) for i, row in rows.items()]
    return PointMapping(points, Counter() if statistics is None else statistics)


def octets(group: int, variation: int, values: dict[int, float], time_ms: int = 0, flags: int = 1) -> bytes:
    form = form_of(group, variation)
    n = len(values)
    columns = ObjectColumns(
        np.array(list(values), dtype=np.uint32),
        np.array(list(values.values()), dtype=np.float64),
        np.full(n, flags, dtype=np.uint8),
        np.full(n, time_ms, dtype=np.int64),
    )
    return (build_events if form.is_event else build_static)(form, columns, 10**6)[0]


def read(mapping: PointMapping, data: bytes, *, clock_set: bool = True) -> list[Batch]:
    headers = parse_headers(data, objects_follow=True)
    return mapping.batches(headers, NOW_MS, unsolicited=False, clock_set=clock_set)


@given(
    known=st.dictionaries(st.integers(0, 65535), st.integers(0, 10**6), min_size=1, max_size=30),
    told=st.sets(st.integers(0, 65535), max_size=30),
    event=st.booleans(),
)
def test_each_index_finds_its_row_and_no_other(known: dict[int, int], told: set[int], event: bool) -> None:
    rows = {index: position for position, index in enumerate(known)}
    statistics: Counter[str] = Counter()
    mapping = mapping_of(PointKind.ANALOG_INPUT, rows, statistics)
    values = {index: float(index) for index in sorted(told | set(list(known)[::2]))}
    found = read(mapping, octets(32 if event else 30, 5, values))
    got = {int(r): float(v) for batch in found for r, v in zip(batch.rows, batch.value, strict=True)}
    assert got == {rows[index]: value for index, value in values.items() if index in rows}
    assert statistics["unknown_indexes"] == len(values.keys() - rows.keys())


def test_a_lone_far_index_finds_its_row() -> None:
    mapping = mapping_of(PointKind.ANALOG_INPUT, {65535: 0})
    (batch,) = read(mapping, octets(30, 5, {65535: 2.0}))
    assert batch.rows.tolist() == [0]


def test_kinds_do_not_mix() -> None:
    mapping = mapping_of(PointKind.ANALOG_INPUT, {3: 0})
    assert read(mapping, octets(1, 2, {3: 1.0})) == []


def test_frozen_counters_are_not_the_counters() -> None:
    mapping = mapping_of(PointKind.COUNTER, {3: 0})
    (batch,) = read(mapping, octets(20, 1, {3: 7.0}) + octets(21, 1, {3: 9.0}))
    assert batch.value.tolist() == [7.0]


def test_what_stands_behind_an_object_that_we_do_not_map_is_not_lost() -> None:
    statistics_of_security = bytes.fromhex("7901280100" + "0300" + "01" + "0a00" + "05000000")
    (batch,) = read(mapping_of(PointKind.ANALOG_INPUT, {3: 0}), statistics_of_security + octets(30, 5, {3: 7.0}))
    assert batch.value.tolist() == [7.0]


def test_several_headers_are_one_batch() -> None:
    mapping = mapping_of(PointKind.ANALOG_INPUT, {0: 5, 9: 6, 700: 7})
    (batch,) = read(mapping, octets(30, 5, {0: 1.0, 9: 2.0}) + octets(30, 1, {700: 3.0}))
    assert (batch.rows.tolist(), batch.value.tolist(), batch.cause) == ([5, 6, 7], [1.0, 2.0, 3.0], Cause.INTEGRITY)


@pytest.mark.parametrize(
    ("common", "clock_set", "expected"),
    [
        (1, True, TimeQuality.SYNCHRONISED),
        (1, False, TimeQuality.UNSYNCHRONISED),
        (2, True, TimeQuality.UNSYNCHRONISED),
    ],
)
def test_relative_times_count_from_the_common_time(common: int, clock_set: bool, expected: TimeQuality) -> None:
    mapping = mapping_of(PointKind.BINARY_INPUT, {0: 0})
    data = build_time(51, common, NOW_MS) + octets(2, 3, {0: 1.0}, time_ms=250)
    (batch,) = read(mapping, data, clock_set=clock_set)
    assert (batch.source_time_ms.tolist(), batch.time_quality.tolist()) == ([NOW_MS + 250], [expected])


@pytest.mark.parametrize("time_ms", [0, 0xFFFFFFFFFFFF])
def test_a_time_outside_the_calendar_is_no_time(time_ms: int) -> None:
    (batch,) = read(mapping_of(PointKind.ANALOG_INPUT, {0: 0}), octets(32, 7, {0: 1.0}, time_ms=time_ms))
    assert (batch.source_time_ms.tolist(), batch.time_quality.tolist()) == ([0], [TimeQuality.NONE])


def test_a_relative_time_without_a_common_time_is_no_time() -> None:
    (batch,) = read(mapping_of(PointKind.BINARY_INPUT, {0: 0}), octets(2, 3, {0: 1.0}, time_ms=250))
    assert (batch.source_time_ms.tolist(), batch.time_quality.tolist()) == ([0], [TimeQuality.NONE])


def test_states_have_no_time_and_keep_their_quality() -> None:
    (batch,) = read(mapping_of(PointKind.ANALOG_INPUT, {0: 0}), octets(30, 5, {0: 1.0}, flags=0x25))
    assert batch.time_quality.tolist() == [TimeQuality.NONE]
    assert batch.quality.tolist() == [Quality.ONLINE | Quality.COMM_LOST | Quality.OVER_RANGE]


def test_what_is_no_number_is_not_online() -> None:
    signalling, infinite = bytes.fromhex("0100a07f"), bytes.fromhex("0000807f")
    data = bytes.fromhex("1e05000002") + b"\x01" + signalling + b"\x01" + infinite + b"\x01" + bytes(4)
    (batch,) = read(mapping_of(PointKind.ANALOG_INPUT, {0: 0, 1: 1, 2: 2}), data)
    assert batch.quality.tolist() == [Quality.REFERENCE_ERR, Quality.OVER_RANGE, Quality.ONLINE]


def test_a_double_bit_is_a_number_from_0_to_3() -> None:
    mapping = mapping_of(PointKind.DOUBLE_BIT_INPUT, {i: i for i in range(4)})
    (batch,) = read(mapping, octets(3, 2, {i: float(i) for i in range(4)}))
    assert batch.value.tolist() == [0.0, 1.0, 2.0, 3.0]


_ANY_HEADER = st.builds(
    lambda key, qualifier, count, octets: bytes((*key, qualifier)) + _range_field(qualifier, count) + octets,
    st.sampled_from([*FORMS, (110, 5), (111, 3)]),
    st.sampled_from(list(Qualifier)),
    st.integers(0, 6),
    st.binary(max_size=120),
)


def _range_field(qualifier: Qualifier, count: int) -> bytes:
    match qualifier:
        case Qualifier.RANGE_8:
            return bytes((0, count))
        case Qualifier.RANGE_16:
            return bytes((0, 0, count, 0))
        case Qualifier.COUNT_16 | Qualifier.INDEX_16:
            return bytes((count, 0))
        case Qualifier.COUNT_8 | Qualifier.INDEX_8:
            return bytes((count,))
        case Qualifier.ALL:
            return b""


@given(st.lists(_ANY_HEADER, max_size=4))
@pytest.mark.filterwarnings("error")
def test_whatever_objects_come_batches_hold_rows_of_the_map_and_sane_columns(parts: list[bytes]) -> None:
    points = [
        RowPoint(10 * k + i, Point(f"a.k{k}_{i}", kind, address=Dnp3Address(index)))
        for k, kind in enumerate(PointKind)
        for i, index in enumerate((0, 1, 4, 300, 65535))
    ]
    try:
        headers = parse_headers(b"".join(parts), objects_follow=True)
    except ObjectError as error:
        headers = error.parsed
    known = {row for row, _ in points}
    for batch in PointMapping(points, Counter()).batches(headers, NOW_MS, unsolicited=True, clock_set=True):
        assert known.issuperset(batch.rows.tolist())
        assert known.issuperset(batch.texts)
        online = (batch.quality & np.uint16(Quality.ONLINE)) != 0
        texts = np.isin(batch.rows, list(batch.texts))
        assert np.isfinite(batch.value[online & ~texts]).all()
        assert ((batch.source_time_ms == 0) == (batch.time_quality == TimeQuality.NONE)).all()


def test_strings_come_as_texts() -> None:
    mapping = mapping_of(PointKind.STRING, {0: 4, 1: 5})
    data, _ = build_octet_strings(110, [(0, "Müller".encode()), (1, b"\xff"), (2, b"x")], 1000)
    (batch,) = read(mapping, data)
    assert batch.texts == {4: "Müller", 5: "\N{REPLACEMENT CHARACTER}"}
    assert np.isnan(batch.value).all()


def test_long_runs_are_batches_of_their_own() -> None:
    many = 600
    points = [
        RowPoint(row + many * place, Point(f"a.{kind}{row}", kind, address=Dnp3Address(row)))
        for place, kind in enumerate((PointKind.BINARY_INPUT, PointKind.ANALOG_INPUT))
        for row in range(many)
    ]
    data = octets(1, 2, dict.fromkeys(range(many), 0.0)) + octets(30, 5, dict.fromkeys(range(many), 7.0))
    batches = read(PointMapping(points, Counter()), data)
    assert [one.rows.tolist() for one in batches] == [list(range(many)), list(range(many, 2 * many))]
    assert [one.cause for one in batches] == [Cause.INTEGRITY] * 2
