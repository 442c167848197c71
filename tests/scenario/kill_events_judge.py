"""What a master may see of events over all lives of an outstation that is killed: the rules, without I/O."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Made:
    """What the outstation said over all its lives. Numbers rise from event to event and from life to life."""

    making: set[int] = field(default_factory=set)
    made: set[int] = field(default_factory=set)

    def hear(self, line: str) -> None:
        """A line of the outstation's."""
        match line.split():
            case ["making", first, end]:
                self.making.update(range(int(first), int(end)))
            case ["made", first, end]:
                self.made.update(range(int(first), int(end)))


class Judge:
    """What one master received, confirmed and saw proof of.

    A confirmation is proved by whatever the outstation can only have sent after it took it. Until then the master
    cannot know that it arrived, and the events may come again; afterwards they may not.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.received: dict[int, None] = {}  # in the order in which they came first
        self.faults: list[str] = []
        self._newest = -1
        self._unproved: set[int] = set()
        self._proved: set[int] = set()
        self._confirmed: set[int] = set()

    def receive(self, numbers: list[int]) -> None:
        """Events of one fragment."""
        self.counts["events_received"] += len(numbers)
        if numbers != sorted(set(numbers)):
            self.faults.append(f"out of order within a fragment: {numbers}")
        for number in numbers:
            if number in self._proved:
                self.faults.append(f"{number} again after its confirmation was proved")
            elif number in self._confirmed:
                self.counts["repeated_without_sign_of_the_confirmation"] += 1
            elif number in self.received:
                self.counts["repeated_unconfirmed"] += 1
            elif number < self._newest:
                self.faults.append(f"{number} after {self._newest}")
            self.received[number] = None
            self._newest = max(self._newest, number)

    def confirm(self, numbers: list[int]) -> None:
        """The fragment with these events is confirmed."""
        self.counts["confirmations"] += 1
        self._confirmed.update(numbers)
        self._unproved.update(numbers)

    @property
    def unproved(self) -> frozenset[int]:
        """Events whose confirmations have not been proved yet."""
        return frozenset(self._unproved)

    def prove(self, numbers: Iterable[int]) -> None:
        """Something came that can only have been sent after the confirmations of these were taken."""
        proved = self._unproved.intersection(numbers)
        self._proved |= proved
        self._unproved -= proved

    def lose(self) -> None:
        """The connection is gone: what was not proved will never be."""
        self.counts["connections_lost"] += 1
        self._unproved.clear()

    def missing(self, made: Made) -> set[int]:
        """Events that were made and never came."""
        return made.made - self.received.keys()

    def verdict(self, made: Made) -> list[str]:
        """Every fault."""
        faults = list(self.faults)
        strange = self.received.keys() - made.making
        missing = self.missing(made)
        if strange:
            faults.append(f"{len(strange)} events that were never made")
        if missing:
            faults.append(f"{len(missing)} events missing, the first {min(missing)}")
        return faults

    @property
    def proved(self) -> set[int]:
        """Events that must be gone from the disk."""
        return self._proved
