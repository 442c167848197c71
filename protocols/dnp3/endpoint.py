"""One end of an association on a channel: link layer and transport function, with the timers that they need.

Fragments go in and come out; what the link layer has to answer, repeat or ask by itself it does here.
"""

import asyncio
import math
import time
from collections import Counter
from typing import NamedTuple

from protocols.dnp3.channels import Channel
from protocols.dnp3.link import Addressed, Frame, LinkAddresses, LinkLayer
from protocols.dnp3.link_sending import UNCONFIRMED, ConfirmedSending, LinkSettings
from protocols.dnp3.transport import MAX_FRAGMENT, Reassembler, segments


class Received(NamedTuple):
    """A fragment, and the broadcast address that it came to if it was a broadcast."""

    fragment: bytes
    broadcast: int | None


class Endpoint:
    """Made for each channel and pair of addresses; `close` it with the channel.

    ``keepalive_s``: after so long a silence of the peer's link layer it is asked for its status, and the channel is
    aborted if nothing comes within ``answer_s``; 0 leaves that to whoever calls `ask_link_status`.
    """

    def __init__(
        self,
        channel: Channel,
        addresses: LinkAddresses,
        statistics: Counter[str],
        link: LinkSettings = UNCONFIRMED,
        *,
        max_fragment: int = MAX_FRAGMENT,
        keepalive_s: float = 0.0,
        answer_s: float = 5.0,
    ) -> None:
        self.channel = channel
        self._statistics = statistics
        self._link = LinkLayer(addresses, statistics)
        self._reassembler = Reassembler(statistics, max_fragment)
        self._sequence = 0
        self._keepalive_s = keepalive_s
        self._answer_s = answer_s
        self._heard_at = time.monotonic()
        self._answer_by = math.inf
        self._sending: ConfirmedSending | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        if link.confirm == "always":
            self._sending = ConfirmedSending(link, self._link.primary_frame, statistics)
            self._link.on_answer = self._sending.answered
        self._arm()

    @property
    def addresses(self) -> LinkAddresses:
        """Ours and the peer's."""
        return self._link.addresses

    @property
    def heard(self) -> int:
        """Frames of the peer's for us so far."""
        return self._link.heard

    @property
    def held(self) -> int:
        """Octets of an incomplete frame and fragment that are kept."""
        return self._link.held + self._reassembler.held

    @property
    def is_sending(self) -> bool:
        """True while user data waits to be confirmed by the peer's link layer, or to be sent."""
        return self._sending is not None and not self._sending.is_idle

    def take(self, data: bytes) -> list[Received]:
        """Octets of the channel: the fragments that they complete. Link layer answers are written."""
        heard = self._link.heard
        arrived, reply = self._link.receive_addressed(data, time.monotonic())
        return self._taken(arrived, reply, self._link.heard != heard)

    def take_frames(self, frames: list[Frame]) -> list[Received]:
        """As `take`, where the channel's frames are found and told apart elsewhere."""
        heard = self._link.heard
        arrived, reply = self._link.take_frames(frames, time.monotonic())
        return self._taken(arrived, reply, self._link.heard != heard)

    def send(self, fragment: bytes) -> None:
        """Write one fragment; with confirmed user data, its frames one by one as they are acknowledged."""
        parts = segments(fragment, self._sequence)
        self._sequence = (self._sequence + len(parts)) & 0x3F
        if self._sending is None:
            self.channel.write(self._link.send_all(parts))
            return
        self.channel.write(self._sending.send(parts, time.monotonic()))
        self._arm()

    def ask_link_status(self) -> None:
        """Ask the peer's link layer for a sign of life (of its link states, where user data is confirmed)."""
        if self._sending is not None:
            self.channel.write(self._sending.test(time.monotonic()))
            self._arm()
        else:
            self.channel.write(self._link.request_link_status())

    def end_keepalive(self) -> None:
        """Ask for no signs of life any more: the channel is not this association's alone."""
        self._keepalive_s = 0.0
        self._answer_by = math.inf

    def close(self) -> None:
        """Stop the timers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _taken(self, arrived: list[Addressed], reply: bytes, heard: bool) -> list[Received]:
        self.channel.write(reply)
        if heard and self._keepalive_s > 0:
            self._heard_at = time.monotonic()
            self._answer_by = math.inf
        received: list[Received] = []
        for segment in arrived:
            fragment = self._reassembler.push(segment.data)
            if fragment is not None:
                received.append(Received(fragment, segment.destination if segment.is_broadcast else None))
        if self._sending is not None or self._keepalive_s > 0:
            self._arm()
        return received

    def _deadline(self) -> float:
        sending = self._sending.deadline if self._sending is not None else math.inf
        keepalive = self._heard_at + self._keepalive_s if self._keepalive_s > 0 else math.inf
        return min(sending, self._answer_by if self._answer_by < math.inf else keepalive)

    def _arm(self) -> None:
        """A timer that comes too early finds nothing to do and arms anew."""
        at = self._deadline()
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self.close()
        if at < math.inf and self.channel.is_open:
            wait_s = max(at - time.monotonic(), 0.0)
            self._timer, self._timer_at = asyncio.get_running_loop().call_later(wait_s, self._tick), at

    def _tick(self) -> None:
        self._timer = None
        now = time.monotonic()
        if self._sending is not None:
            self.channel.write(self._sending.tick(now))
        if now >= self._answer_by:
            self._answer_by = math.inf
            self.channel.abort("no answer from its link layer")
        elif self._keepalive_s > 0 and self._answer_by == math.inf and now >= self._heard_at + self._keepalive_s:
            self._statistics["keepalives_sent"] += 1
            self._answer_by = now + self._answer_s
            self.ask_link_status()
        self._arm()
