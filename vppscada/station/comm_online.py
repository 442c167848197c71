"""Each asset's ``comm_online``: 1 while the session that it hangs on is up."""

import numpy as np

from vppscada.model.batch import Rows
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionState, SessionStatus
from vppscada.model.site import Site
from vppscada.points.database import Database
from vppscada.station.supervisor import wall_ms


class CommOnline:
    """Told every status of every session, keeps the points of their assets."""

    def __init__(self, site: Site, database: Database) -> None:
        self._database = database
        of: dict[str, list[int]] = {spec.name: [] for spec in site.sessions}
        for asset in site.fleet.assets:
            of[asset.session].append(site.row_of[f"{asset.name}.comm_online"])
        self._rows: dict[str, Rows] = {name: np.array(rows, dtype=np.intp) for name, rows in of.items()}

    def on_status(self, status: SessionStatus) -> None:
        """A session changed its state."""
        rows = self._rows[status.name]
        online = float(status.state is SessionState.ONLINE)
        quality = np.full(len(rows), Quality.ONLINE, dtype=np.uint16)
        self._database.set_values(rows, np.full(len(rows), online), quality, wall_ms())
