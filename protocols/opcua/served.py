"""What a server shows: the last value of every point in columns, and the data values made of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import cast

import numpy as np
from asyncua import ua

from protocols.opcua.config import address_of
from protocols.opcua.data_types import CannotEncode, DataType
from protocols.opcua.status import BAD_OUT_OF_RANGE, status_of
from vppscada.model.batch import Batch, Cause
from vppscada.model.points import RowPoint
from vppscada.model.quality import Quality, TimeQuality


class Served:
    """Columns indexed by the rows of the outstation's list. Before its first value a point is in restart."""

    def __init__(self, points: Sequence[RowPoint]) -> None:
        n = max((each.row for each in points), default=-1) + 1
        self._rows = np.array([each.row for each in points], dtype=np.intp)
        self._types: dict[int, DataType] = {each.row: address_of(each.point).data_type for each in points}
        self._value = np.zeros(n)
        self._quality = np.full(n, np.uint16(Quality.RESTART), dtype=np.uint16)
        self._time_ms = np.zeros(n, dtype=np.int64)
        self._texts: dict[int, str] = {}

    def take(self, batch: Batch) -> None:
        """Remember a batch as the state of its rows."""
        self._value[batch.rows] = batch.value
        self._quality[batch.rows] = batch.quality
        self._time_ms[batch.rows] = np.where(batch.time_quality == TimeQuality.NONE, 0, batch.source_time_ms)
        self._texts.update(batch.texts)

    def put(self, rows: Sequence[int], value: float, time_ms: int) -> None:
        """Remember a value that was written, as good."""
        self._value[rows] = value
        self._quality[rows] = np.uint16(Quality.ONLINE)
        self._time_ms[rows] = time_ms

    def everything(self) -> Batch:
        """The state of all rows as one batch."""
        times = self._time_ms[self._rows]
        return Batch(
            rows=self._rows,
            value=self._value[self._rows],
            quality=self._quality[self._rows],
            source_time_ms=times,
            time_quality=np.where(times > 0, np.uint8(TimeQuality.SYNCHRONISED), np.uint8(TimeQuality.NONE)),
            received_time_ms=0,
            cause=Cause.INTEGRITY,
            texts=dict(self._texts),
        )

    def now(self, row: int) -> ua.DataValue:
        """The state of one row."""
        value, quality, time_ms = float(self._value[row]), int(self._quality[row]), int(self._time_ms[row])
        return self._data_value(row, value, quality, time_ms, self._texts)

    def data_values(self, batch: Batch) -> Iterator[tuple[int, ua.DataValue]]:
        """The readings of a batch one by one, as asyncua wants them; rows that are not served are left out."""
        times = np.where(batch.time_quality == TimeQuality.NONE, 0, batch.source_time_ms).tolist()
        columns = zip(batch.rows.tolist(), batch.value.tolist(), batch.quality.tolist(), times, strict=True)
        for row, value, quality, time_ms in columns:
            if row in self._types:
                yield row, self._data_value(row, value, quality, time_ms, batch.texts)

    def _data_value(self, row: int, value: float, quality: int, time_ms: int, texts: dict[int, str]) -> ua.DataValue:
        data_type = self._types[row]
        status = status_of(quality)
        found: object = None
        try:
            found = texts.get(row, self._texts.get(row, "")) if data_type.is_string else data_type.encode(value)
        except CannotEncode:
            status = max(status, BAD_OUT_OF_RANGE)  # never better than the quality: bad codes are the highest
        return ua.DataValue(
            Value=ua.Variant(found, ua.VariantType(data_type.number if found is not None else 0)),
            StatusCode=ua.StatusCode(ua.UInt32(status)),
            SourceTimestamp=_date(time_ms) if time_ms > 0 else None,
        )


def _date(time_ms: int) -> ua.DateTime:
    return cast(ua.DateTime, datetime.fromtimestamp(time_ms / 1000, UTC))  # asyncua takes plain dates
