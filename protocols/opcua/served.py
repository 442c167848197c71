"""What a server shows: the last value of every node in columns, and the data values made of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import cast

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from protocols.opcua.config import address_of
from protocols.opcua.data_types import CannotEncode, DataType
from protocols.opcua.status import BAD_OUT_OF_RANGE, status_of
from vppscada.model.batch import Batch, Cause
from vppscada.model.points import RowPoint
from vppscada.model.quality import Quality, TimeQuality


class Served:
    """Columns with one place per node: points of one address share theirs.

    Before its first value a node is in restart.
    """

    def __init__(self, points: Sequence[RowPoint]) -> None:
        self._types: list[DataType] = []
        self._first_row: list[int] = []
        self._place_of_row = np.full(max((each.row for each in points), default=-1) + 1, -1, dtype=np.intp)
        place_of_node: dict[tuple[object, ...], int] = {}
        for row, point in points:
            address = address_of(point)
            place = place_of_node.setdefault((address.namespace_uri, address.identifier), len(place_of_node))
            self._place_of_row[row] = place
            if place == len(self._types):
                self._types.append(address.data_type)
                self._first_row.append(row)
        n = len(self._types)
        self._value = np.zeros(n)
        self._quality = np.full(n, np.uint16(Quality.RESTART), dtype=np.uint16)
        self._time_ms = np.zeros(n, dtype=np.int64)
        self._texts: dict[int, str] = {}

    def take(self, batch: Batch) -> None:
        """Remember a batch as the state of its nodes; rows that are not served are left out."""
        places = self._places(batch.rows)
        mine = places >= 0
        places = places[mine]
        self._value[places] = batch.value[mine]
        self._quality[places] = batch.quality[mine]
        self._time_ms[places] = np.where(batch.time_quality == TimeQuality.NONE, 0, batch.source_time_ms)[mine]
        for row, text in batch.texts.items():
            self._texts[int(self._place_of_row[row])] = text

    def put(self, row: int, value: float, time_ms: int) -> None:
        """Remember a value that was written, as good."""
        place = self._place_of_row[row]
        self._value[place] = value
        self._quality[place] = np.uint16(Quality.ONLINE)
        self._time_ms[place] = time_ms

    def everything(self) -> Batch:
        """The state of all nodes as one batch."""
        return Batch(
            rows=np.array(self._first_row, dtype=np.intp),
            value=self._value.copy(),
            quality=self._quality.copy(),
            source_time_ms=self._time_ms.copy(),
            time_quality=np.where(self._time_ms > 0, np.uint8(TimeQuality.SYNCHRONISED), np.uint8(TimeQuality.NONE)),
            received_time_ms=0,
            cause=Cause.INTEGRITY,
            texts={self._first_row[place]: text for place, text in self._texts.items()},
        )

    def now(self, row: int) -> ua.DataValue:
        """The state of one row's node."""
        place = int(self._place_of_row[row])
        value, quality, time_ms = float(self._value[place]), int(self._quality[place]), int(self._time_ms[place])
        return self._data_value(place, value, quality, time_ms)

    def data_values(self, batch: Batch) -> Iterator[tuple[int, ua.DataValue]]:
        """The readings of a batch one by one, as asyncua wants them; rows that are not served are left out."""
        times = np.where(batch.time_quality == TimeQuality.NONE, 0, batch.source_time_ms).tolist()
        places = self._places(batch.rows).tolist()
        columns = zip(batch.rows.tolist(), places, batch.value.tolist(), batch.quality.tolist(), times, strict=True)
        for row, place, value, quality, time_ms in columns:
            if place >= 0:
                yield row, self._data_value(place, value, quality, time_ms, batch.texts.get(row))

    def _places(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        known = (rows >= 0) & (rows < len(self._place_of_row))
        return np.where(known, self._place_of_row[np.where(known, rows, 0)], -1) if known.any() else rows * 0 - 1

    def _data_value(
        self, place: int, value: float, quality: int, time_ms: int, text: str | None = None
    ) -> ua.DataValue:
        data_type = self._types[place]
        status = status_of(quality)
        found: object = None
        try:
            if data_type.is_string:
                found = self._texts.get(place, "") if text is None else text
            else:
                found = data_type.encode(value)
        except CannotEncode:
            status = max(status, BAD_OUT_OF_RANGE)  # never better than the quality: bad codes are the highest
        return ua.DataValue(
            Value=ua.Variant(found, ua.VariantType(data_type.number if found is not None else 0)),
            StatusCode=ua.StatusCode(ua.UInt32(status)),
            SourceTimestamp=_date(time_ms) if time_ms > 0 else None,
        )


def _date(time_ms: int) -> ua.DateTime:
    return cast(ua.DateTime, datetime.fromtimestamp(time_ms / 1000, UTC))  # asyncua takes plain dates
