"""Where the points of one list stand in the database: a session counts its own, the database counts all."""

from collections.abc import Sequence

import numpy as np

from vppscada.model.batch import Batch, Rows


class Placement:
    """Turns batches of a list's places into batches of the database's rows. Place ``p`` stands at ``rows[p]``."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows: Rows = np.array(rows, dtype=np.intp)
        self._known: dict[int, tuple[Rows, Rows]] = {}  # of places that cannot be written to: they come again

    def placed(self, batch: Batch) -> Batch:
        """The same readings at the database's rows.

        Raises:
            IndexError: a place that the list has not.
        """
        texts = batch.texts
        return Batch(
            self._of(batch.rows),
            batch.value,
            batch.quality,
            batch.source_time_ms,
            batch.time_quality,
            batch.received_time_ms,
            batch.cause,
            {int(self.rows[place]): text for place, text in texts.items()} if texts else texts,
        )

    def _of(self, places: Rows) -> Rows:
        if places.flags.writeable:
            found: Rows = self.rows[places]
            return found
        known = self._known.get(id(places))
        if known is None or known[0] is not places:
            known = self._known[id(places)] = places, self.rows[places]
            known[1].flags.writeable = False
        return known[1]
