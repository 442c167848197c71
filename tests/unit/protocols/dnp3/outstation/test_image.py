"""Kept octets of static objects say at every poll what encoding everything anew would say."""

import numpy as np

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.objects import STATIC_GROUP, ObjectColumns, build_static, flags_of, form_of
from protocols.dnp3.outstation.encode import encode_static, static_runs
from protocols.dnp3.outstation.points import PointTable
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality

FIRST, COUNT = 250, 300  # indexes of one octet and of two
ROOMY = 1 << 16


def table_of(kind: PointKind, indexes: list[int]) -> PointTable:
    return PointTable(
        [RowPoint(row, Point(f"p.{i}", kind, address=Dnp3Address(i))) for row, i in enumerate(reversed(indexes))]
    )


def told(table: PointTable, kind: PointKind, room: int = ROOMY) -> bytes:
    """Every point of the kind, from as many fragments as it takes, without the fragments' borders."""
    (run,) = static_runs(table, STATIC_GROUP[kind])
    pieces: list[bytes] = []
    while len(run):
        octets, count = encode_static(table, run, room)
        assert 0 < len(octets) <= room
        pieces.append(octets)
        run = run.part_from(count)
    return b"".join(pieces)


def anew(table: PointTable, kind: PointKind, variation: int) -> bytes:
    """What is told when everything is encoded from the columns."""
    columns = table.by_kind[kind]
    rows = columns.rows
    objects = ObjectColumns(
        columns.index, table.value[rows], flags_of(table.quality[rows], kind), np.zeros(len(rows), dtype=np.int64)
    )
    return build_static(form_of(STATIC_GROUP[kind], variation), objects, ROOMY, 2)[0]


def put(table: PointTable, rows: list[int], value: float, quality: Quality = Quality.ONLINE) -> None:
    batch = untimed_batch(rows, [value] * len(rows), int(quality), 1, Cause.CYCLIC)
    table.update(batch, TimeQuality.SYNCHRONISED, with_events=False)


def test_every_update_is_in_the_next_poll() -> None:
    for kind, variation in ((PointKind.ANALOG_INPUT, 5), (PointKind.BINARY_INPUT, 2)):
        table = table_of(kind, list(range(FIRST, FIRST + COUNT)))
        assert told(table, kind) == anew(table, kind, variation)
        for rows, value, quality in (
            ([0, 7, COUNT - 1], 1.0, Quality.ONLINE),
            ([7], 0.0, Quality.ONLINE),
            ([7, 8], 0.0, Quality.COMM_LOST),
            (list(range(COUNT)), 1.0, Quality.ONLINE),
        ):
            before = told(table, kind)
            put(table, rows, value, quality)
            assert told(table, kind) == anew(table, kind, variation) != before


def test_an_update_between_two_fragments_is_in_the_second() -> None:
    table = table_of(PointKind.ANALOG_INPUT, list(range(FIRST, FIRST + COUNT)))
    (run,) = static_runs(table, 30)
    _, count = encode_static(table, run, 100)
    put(table, list(range(COUNT)), 42.0)
    octets, _ = encode_static(table, run.part_from(count), ROOMY)
    assert octets.count(np.float32(42.0).tobytes()) == COUNT - count


def test_small_fragments_say_the_same_objects() -> None:
    table = table_of(PointKind.ANALOG_INPUT, list(range(FIRST, FIRST + COUNT)))
    put(table, list(range(0, COUNT, 3)), 2.5)
    header, size = 7, form_of(30, 5).size
    whole = told(table, PointKind.ANALOG_INPUT)[header:]
    per_fragment = (100 - header) // size
    octets = told(table, PointKind.ANALOG_INPUT, 100)
    step = header + per_fragment * size
    assert b"".join(octets[at + header : at + step] for at in range(0, len(octets), step)) == whole


def test_indexes_with_gaps_are_told_too() -> None:
    kind = PointKind.ANALOG_INPUT
    table = table_of(kind, [1, 2, 5, 300])
    put(table, [0, 2], 3.5)
    assert told(table, kind) == anew(table, kind, 5)


def test_no_room_is_no_object() -> None:
    table = table_of(PointKind.ANALOG_INPUT, [0, 1])
    (run,) = static_runs(table, 30)
    assert encode_static(table, run, 11) == (b"", 0)
