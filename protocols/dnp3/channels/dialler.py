"""Dialling out, again and again: keeps one channel open for a station that waits to be asked."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from protocols.dnp3.channels.channel import Channel, Listener
from protocols.dnp3.channels.medium import Medium

log = structlog.get_logger()

_FIRST_S = 0.5
_LONGEST_S = 30.0
#: A channel that was open for so long was good: the next try does not wait long.
_STEADY_S = 10.0


def pause_s(failures: int, fraction: float) -> float:
    """Seconds before the next try after ``failures`` (≥ 1) in a row; ``fraction`` in [0, 1) takes up to half away."""
    full = min(_LONGEST_S, _FIRST_S * 2.0 ** min(failures - 1, 30))
    return full * (1.0 - fraction / 2.0)


class Dialler(Listener):
    """Opens a medium and hands the channel over; when that is lost, opens it again after a pause that grows."""

    def __init__(
        self,
        medium: Medium,
        connect: Callable[[Medium, Counter[str]], Awaitable[Channel]],
        on_channel: Callable[[Channel], None],
        statistics: Counter[str],
    ) -> None:
        self._medium = medium
        self._connect = connect
        self._on_channel = on_channel
        self._statistics = statistics
        self._task = asyncio.ensure_future(self._dial())

    @property
    def port(self) -> int:
        """None is bound."""
        return 0

    async def close(self) -> None:
        """Dial no more; a channel that is open stays."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _dial(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._once(failures)
            steady = loop.time() - began >= _STEADY_S
            failures = 1 if steady else failures + 1
            await asyncio.sleep(pause_s(failures, random.random()))

    async def _once(self, failures: int) -> None:
        try:
            channel = await self._connect(self._medium, self._statistics)
        except ConnectionError as error:
            self._statistics["connects_failed"] += 1
            level = log.debug if failures else log.warning
            level("dialling_failed", medium=str(self._medium), reason=str(error))
            return
        self._statistics["connects_made"] += 1
        try:
            self._on_channel(channel)
        except Exception:
            # a station that cannot take its channel now may be able to later
            self._statistics["connections_failed"] += 1
            log.exception("connection_failed", medium=str(self._medium))
            channel.abort("not taken")
        await channel.closed()
