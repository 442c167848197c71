"""The path that is not in use: kept open, asked for its link status now and then, handed over when it is needed."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

from protocols.dnp3.channels import Channel
from protocols.dnp3.channels.lines import Opened, Place
from protocols.dnp3.link import LinkAddresses, LinkLayer


class Standby:
    """Checks begin at once. ``check_s``: between checks and between tries to open; ``answer_s``: for each answer.

    ``log`` takes ``warning`` and ``info``; it says whenever the path becomes good or bad.
    """

    def __init__(
        self,
        place: Place,
        addresses: LinkAddresses,
        check_s: float,
        answer_s: float,
        statistics: Counter[str],
        log: Any,
    ) -> None:
        self._place = place
        self._addresses = addresses
        self._check_s = check_s
        self._answer_s = answer_s
        self._statistics = statistics
        self._log = log
        self._opened: Opened | None = None
        self._is_good: bool | None = None  # None until it was tried
        self._task = asyncio.ensure_future(self._watch())

    async def take_over(self) -> Opened | None:
        """The open channel, if the last check was answered; the caller's from now on. Ends the checks."""
        await self._stop()
        if not self._is_good or self._opened is None or not self._opened.channel.is_open:
            return None
        opened, self._opened = self._opened, None
        return opened

    async def end(self) -> None:
        """Stop checking and close what was not taken over."""
        await self._stop()
        if self._opened is not None:
            opened, self._opened = self._opened, None
            opened.turn.release()
            await opened.channel.close()

    async def _stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                self._opened = await self._place.open(self._statistics)
                await self._check(self._opened)
            except ConnectionError as error:  # a closed channel is one
                self._mark(False, str(error))
            except TimeoutError:
                self._mark(False, "no answer from its link layer")
            if self._opened is not None:
                opened, self._opened = self._opened, None
                await opened.channel.close()
            await asyncio.sleep(self._check_s)

    async def _check(self, opened: Opened) -> None:
        """Until the channel closes (ChannelClosed), or a check has no answer (TimeoutError)."""
        link = LinkLayer(self._addresses, self._statistics)
        while True:
            if opened.turn.take(lambda: None):
                self._statistics["standby_checks"] += 1
                opened.channel.write(link.request_link_status())
                async with asyncio.timeout(self._answer_s):
                    await self._heard(opened.channel, link)
                self._mark(True, "")
            opened.turn.release()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_s):
                    while True:
                        await self._heard(opened.channel, link)

    @staticmethod
    async def _heard(channel: Channel, link: LinkLayer) -> None:
        """A frame of the outstation's. Its fragments are not taken, so it keeps what it reports on this path."""
        before = link.heard
        while link.heard == before:
            _, reply = link.receive(await channel.read())
            channel.write(reply)

    def _mark(self, is_good: bool, reason: str) -> None:
        if not is_good:
            self._statistics["standby_failures"] += 1
        if is_good is self._is_good:
            return
        self._is_good = is_good
        if is_good:
            self._log.info("standby_path_answered")
        else:
            self._log.warning("standby_path_failed", reason=reason)
