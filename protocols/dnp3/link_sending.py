"""User data that the peer's link layer confirms: the primary station's rules (IEEE 1815, clause 9) without I/O.

The link is reset before the first frame; each following one toggles the frame count bit and is repeated until it is
acknowledged or its retries are used up, which ends what was queued and makes the link be reset again.
"""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from protocols.dnp3.link import FCB, FCV, Primary, Secondary
from protocols.dnp3.settings import SettingsReader

#: In an answer: the secondary station can take no more user data now.
DFC = 0x10
#: Segments that may wait; more than the largest fragment has, whoever sends so much does not wait for answers.
MAX_QUEUED = 512


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How user data is sent. ``timeout_s`` is the wait for an acknowledgement, ``retries`` follow it."""

    confirm: str = "never"  # never | always
    retries: int = 3
    timeout_s: float = 1.0


UNCONFIRMED = LinkSettings()


def read_link(read: SettingsReader) -> LinkSettings:
    """Take ``link_confirm``, ``link_retries`` and ``link_timeout_s``."""
    return LinkSettings(
        confirm=read.choice("link_confirm", "never", ("never", "always")),
        retries=read.integer("link_retries", 3, 0, 100),
        timeout_s=read.seconds("link_timeout_s", 1.0, 0.01, 120.0),
    )


class ConfirmedSending:
    """One primary station. Every method returns octets to be written now; times are monotonic seconds.

    ``frame`` makes a frame of a control octet (function, FCB, FCV) and user data.
    """

    def __init__(self, settings: LinkSettings, frame: Callable[[int, bytes], bytes], statistics: Counter[str]) -> None:
        self._settings = settings
        self._frame = frame
        self._statistics = statistics
        self._waiting: deque[bytes] = deque()
        self._is_reset = False
        self._fcb = FCB
        self._asked: Primary | None = None  # the frame that is out
        self._tries = 0
        self._resets = 0  # in a row that a NACK asked for
        self._deadline = math.inf

    @property
    def deadline(self) -> float:
        """When `tick` is to be called at the latest; infinity while nothing is waited for."""
        return self._deadline

    @property
    def is_idle(self) -> bool:
        """True while nothing is out and nothing waits."""
        return self._asked is None and not self._waiting

    def send(self, segments: list[bytes], now: float) -> bytes:
        """Queue the segments of a fragment."""
        if len(self._waiting) + len(segments) > MAX_QUEUED:
            self._statistics["link_segments_dropped"] += len(segments)
            return b""
        self._waiting.extend(segments)
        return self._next(now) if self._asked is None else b""

    def test(self, now: float) -> bytes:
        """Ask the peer whether the link states agree (keep-alive); nothing while something is out anyway."""
        if self._asked is not None:
            return b""
        return self._ask(Primary.TEST_LINK_STATES if self._is_reset else Primary.RESET_LINK_STATES, now)

    def answered(self, control: int, now: float) -> bytes:
        """A frame of the peer's secondary station arrived."""
        asked, function = self._asked, control & 0x0F
        if asked is None:
            return b""
        if function == Secondary.NACK and control & DFC:
            return b""  # no room: the deadline repeats the frame
        if function == Secondary.NACK and self._is_reset and self._resets < self._settings.retries:
            # it lost its state: reset, then the same again
            self._resets += 1
            self._is_reset = False
            return self._ask(Primary.RESET_LINK_STATES, now)
        if function != (Secondary.LINK_STATUS if asked is Primary.REQUEST_LINK_STATUS else Secondary.ACK):
            if function in (Secondary.NACK, Secondary.NOT_SUPPORTED):
                self._give_up()
            return b""
        if asked is Primary.REQUEST_LINK_STATUS and control & DFC:
            return b""  # still no room: the deadline asks again
        self._acknowledged(asked)
        if control & DFC:
            return self._ask(Primary.REQUEST_LINK_STATUS, now)
        return self._next(now)

    def tick(self, now: float) -> bytes:
        """Time went by: repeat what is out, or give up."""
        if self._asked is None or now < self._deadline:
            return b""
        if self._tries <= 0:
            self._give_up()
            return b""
        self._statistics["link_frames_repeated"] += 1
        return self._ask(self._asked, now, self._tries - 1)

    def _acknowledged(self, asked: Primary) -> None:
        self._asked = None
        self._deadline = math.inf
        if asked is Primary.RESET_LINK_STATES:
            self._is_reset = True
            self._fcb = FCB
        elif asked is not Primary.REQUEST_LINK_STATUS:
            self._fcb ^= FCB
            self._resets = 0
            if asked is Primary.CONFIRMED_USER_DATA:
                self._waiting.popleft()

    def _next(self, now: float) -> bytes:
        if not self._waiting:
            return b""
        return self._ask(Primary.CONFIRMED_USER_DATA if self._is_reset else Primary.RESET_LINK_STATES, now)

    def _ask(self, function: Primary, now: float, tries: int | None = None) -> bytes:
        self._asked = function
        self._tries = self._settings.retries if tries is None else tries
        self._deadline = now + self._settings.timeout_s
        if function is Primary.CONFIRMED_USER_DATA:
            return self._frame(function | FCV | self._fcb, self._waiting[0])
        counted = FCV | self._fcb if function is Primary.TEST_LINK_STATES else 0
        return self._frame(function | counted, b"")

    def _give_up(self) -> None:
        self._statistics["link_confirms_missed"] += 1
        self._waiting.clear()
        self._asked = None
        self._deadline = math.inf
        self._is_reset = False
        self._resets = 0
