"""What the log and the statistics are told of an association. Pure."""

from collections import Counter, deque

from protocols.dnp3.master.exchange import Effect, Note


class Reports:
    """Counts every report; ``once`` logs only the first of a connection, so that no peer can fill the log."""

    def __init__(self, statistics: Counter[str], effects: deque[Effect]) -> None:
        self._statistics = statistics
        self._effects = effects
        self._told: set[str] = set()

    def each(self, event: str, detail: str) -> None:
        """Count it and log it."""
        self._statistics[event] += 1
        self._effects.append(Note(event, detail))

    def once(self, event: str, detail: str) -> None:
        """Count it; log it if it is the first."""
        self._statistics[event] += 1
        if event not in self._told:
            self._told.add(event)
            self._effects.append(Note(event, detail))
