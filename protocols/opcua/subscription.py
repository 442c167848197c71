"""The publishing side of a session: asks for notifications, checks their order, turns them into columns."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import structlog
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from protocols.opcua.connection import Connection, lost_if_it_fails
from protocols.opcua.decode import EPOCH_1601, Items, Malformed, Publication, Unusual, decode_publish
from protocols.opcua.library import status_name
from vppscada.model.sessions import SessionLost

log = structlog.get_logger()

#: Publish requests under way at once, so that the server has one at hand while an answer travels.
OUTSTANDING = 2


class Publishing:
    """Keeps publish requests under way for one subscription and hands on what comes, in order."""

    def __init__(
        self,
        connection: Connection,
        subscription: ua.CreateSubscriptionResult,
        statistics: Counter[str],
        on_items: Callable[[Items], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._id = int(subscription.SubscriptionId)
        self._statistics = statistics
        self._on_items = on_items
        self._on_gap = on_gap
        self._unacknowledged: deque[int] = deque()
        self._expected = 1
        self.heard_at = time.monotonic()
        #: Longest time between two publish responses, by the server's own figures.
        self.keep_alive_s = subscription.RevisedPublishingInterval * subscription.RevisedMaxKeepAliveCount / 1000

    async def run(self) -> None:
        """Ask and take, for ever.

        Raises:
            SessionLost: the server ended the subscription or the connection.
        """
        asking: deque[asyncio.Task[bytes]] = deque()
        try:
            while True:
                while len(asking) < OUTSTANDING:
                    asking.append(asyncio.create_task(self._ask()))
                body = await asking[0]
                asking.popleft()
                self._take(body)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self) -> bytes:
        acknowledged = list(self._unacknowledged)
        self._unacknowledged.clear()
        return await self._connection.publish(self._id, acknowledged)

    def _take(self, body: bytes) -> None:
        try:
            publication = decode_publish(body)
        except (Malformed, Unusual) as fault:
            self._statistics["notifications_malformed"] += 1
            raise SessionLost(f"a publish response that cannot be read: {fault}") from fault
        if publication.service_result >> 31:
            raise SessionLost(f"publishing was refused: {status_name(publication.service_result)}")
        self.heard_at = time.monotonic()
        if publication.subscription_id != self._id:
            self._statistics["notifications_unknown"] += 1
            return
        self._check_order(publication)
        if publication.status_change is not None and publication.status_change >> 31:
            raise SessionLost(f"the subscription ended: {status_name(publication.status_change)}")
        for items in publication.items:
            self._on_items(items)
        for unusual in publication.unusual:
            self._on_items(unusual_items(unusual))

    def _check_order(self, publication: Publication) -> None:
        number = publication.sequence_number
        if number != self._expected:
            self._statistics["notifications_missed"] += 1
            log.warning("opcua_notifications_missed", expected=self._expected, found=number)
            self._on_gap()
        if publication.is_keep_alive:  # carries the number that the next notification will have
            self._statistics["keep_alives_received"] += 1
            self._expected = number
            return
        self._statistics["notifications_received"] += 1
        self._unacknowledged.append(number)
        self._expected = 1 if number == 0xFFFF_FFFF else number + 1


def unusual_items(body: bytes) -> Items:
    """A data change of arrays, structures or other types, by asyncua, an object per value.

    Raises:
        SessionLost: it breaks the encoding.
    """
    with lost_if_it_fails("reading a data change"):
        found = struct_from_binary(ua.DataChangeNotification, Buffer(body))
        monitored: Sequence[ua.MonitoredItemNotification] = found.MonitoredItems or []
        return items_of([int(each.ClientHandle) for each in monitored], [each.Value for each in monitored])


def items_of(handles: Sequence[int], values: Sequence[ua.DataValue]) -> Items:
    """Columns of data values that were decoded into objects."""
    texts: dict[int, str] = {}
    value = np.full(len(values), np.nan)
    status = np.zeros(len(values), dtype=np.uint32)
    source_time = np.zeros(len(values), dtype=np.int64)
    for i, each in enumerate(values):
        found = each.Value.Value if each.Value is not None else None
        if isinstance(found, str):
            texts[i] = found
        elif isinstance(found, bool | int | float):
            value[i] = found
        elif isinstance(found, datetime):
            value[i] = (ua.datetime_to_win_epoch(found) - EPOCH_1601) / 1e7
        status[i] = each.StatusCode.value if each.StatusCode is not None else 0
        if each.SourceTimestamp is not None:
            source_time[i] = ua.datetime_to_win_epoch(each.SourceTimestamp)
    return Items(np.array(handles, dtype=np.uint32), value, status, source_time, texts)
