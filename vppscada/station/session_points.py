"""What the station tells of its sessions: their counts as points of the database, exported like any other."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from vppscada.model.drivers import Driver
from vppscada.model.quality import Quality
from vppscada.model.sessions import CERTIFICATE, INDICATIONS, LAST_GOOD, SessionState
from vppscada.model.site import Site
from vppscada.points.database import Database
from vppscada.station.supervisor import Supervisor

#: Counters go round as those of 32 bits do, so that every protocol can tell them.
_COUNTERS_END = 1 << 32
_DAY_S = 86_400.0
_HEARD = (SessionState.STARTING, SessionState.ONLINE)


class SessionPoints:
    """The points ``<session>.<figure>`` of a site.

    Counts are the station's own knowledge and always online; they begin at 0 with the station. What the device
    said last (its indications) is COMM_LOST while its session is down. The time since it was last heard goes on
    then, and is not online as long as it was never heard. Days until a certificate ends are not online where there is
    none; they go below 0 when it is past.
    """

    def __init__(
        self, site: Site, supervisors: Iterable[Supervisor], drivers: Mapping[str, Driver], database: Database
    ) -> None:
        figures = {spec.name: drivers[spec.protocol].figures for spec in site.sessions}
        self._told = [
            (supervisor, name, counted)
            for supervisor in supervisors
            for name, counted in figures[supervisor.session.name].items()
        ]
        ids = [f"{supervisor.session.name}.{name}" for supervisor, name, _ in self._told]
        self._rows = np.array([site.row_of[one] for one in ids], dtype=np.intp)
        self._heard: dict[str, tuple[int, float]] = {}  # by session: the count, and when it was first that high
        self._database = database

    def take_over(self, before: "SessionPoints", sessions: Collection[str]) -> None:
        """Go on from when those sessions, which are the same, were last heard."""
        self._heard.update({name: heard for name, heard in before._heard.items() if name in sessions})

    def feed(self, now: float, now_ms: int) -> None:
        """Put all of them into the database. ``now`` is monotonic seconds, ``now_ms`` UTC."""
        values = np.zeros(len(self._told))
        qualities = np.full(len(self._told), Quality.ONLINE, dtype=np.uint16)
        for place, (supervisor, name, counted) in enumerate(self._told):
            total = sum(supervisor.session.statistics[key] for key in counted)
            if name == LAST_GOOD:
                total, heard = self._silence_s(supervisor.session.name, total, now)
                qualities[place] = Quality.ONLINE if heard else Quality.RESTART
            elif name == CERTIFICATE:
                qualities[place] = Quality.ONLINE if total else Quality.NONE
                values[place] = (total - now_ms / 1000.0) / _DAY_S if total else 0.0
                continue
            elif name == INDICATIONS and supervisor.status.state not in _HEARD:
                qualities[place] = Quality.COMM_LOST
            values[place] = total % _COUNTERS_END
        self._database.set_values(self._rows, values, qualities, now_ms)

    def _silence_s(self, session: str, count: int, now: float) -> tuple[int, bool]:
        """Whole seconds since the count last rose, and whether it ever did."""
        last = self._heard.get(session)
        if count and (last is None or count != last[0]):
            last = self._heard[session] = (count, now)
        return (int(now - last[1]), True) if last is not None else (0, False)
