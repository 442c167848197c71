"""A site as read from its file: every point with its row, every session, asset and EMS outstation.

Made by `vppscada.maps`, whole or not at all. Points are already normalised to the plant's units.
"""

from dataclasses import dataclass, field
from pathlib import Path

from vppscada.model.assets import Fleet
from vppscada.model.limits import Limit
from vppscada.model.points import Point, RowPoint
from vppscada.model.schedule import Objective

#: The asset name under which the plant's own (calculated) points stand: ``plant.active_power`` …
PLANT = "plant"


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """A ``[[session]]`` table: one association."""

    name: str
    protocol: str
    settings: object  # what the driver's `read_session` made
    points: tuple[RowPoint, ...]  # rows of the points database


@dataclass(frozen=True, slots=True)
class ExportedPoint:
    """A point of an EMS outstation and the row of the points database that feeds (or obeys) it."""

    source_row: int
    point: Point  # wire kind, address, class, deadband, scale of the export


@dataclass(frozen=True, slots=True)
class EmsSpec:
    """An ``[[ems]]`` table: one outstation that an EMS polls."""

    name: str
    protocol: str
    settings: object  # what the driver's `read_outstation` made
    exports: tuple[ExportedPoint, ...]


#: What the station tells of each series: units (None = the series'), and words.
SERIES_FIGURES: dict[str, tuple[str | None, str]] = {
    "value": (None, "Value of the series now"),
    "age": ("s", "Since the file of the series was written"),
    "ahead": ("h", "From now to the end of the series"),
}


@dataclass(frozen=True, slots=True)
class DataSource:
    """A ``[[data]]`` table: a series over plant time from a CSV file.

    Rows are placed by ``time_column`` (ISO 8601, UTC), or, where ``start_ms`` is given, one ``step_s``
    after another from there. The series' value is the sum of ``value_columns`` × ``scale``; ``p10_columns`` and
    ``p90_columns`` likewise, where the file has what is exceeded in nine of ten cases and in one of ten.
    """

    name: str
    file: Path
    value_columns: tuple[str, ...]
    step_s: float
    scale: float = 1.0
    units: str = ""
    time_column: str = ""
    start_ms: int | None = None
    interpolation: str = "step"  # "step": a value holds for its step; "linear": between the starts of steps
    url: str = ""  # http or https; what comes from there takes the place of the file
    every_s: float = 300.0  # wall seconds from one request to the next
    stale_after_s: float = float("inf")  # wall seconds without another file or answer until that is told
    p10_columns: tuple[str, ...] = ()
    p90_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductSpec:
    """A ``[[product]]`` table: a service beside energy, see `vppscada.model.schedule.Product`."""

    name: str
    direction: str  # "up" or "down"
    response_min: float
    sustain_h: float
    required_mw: float = 0.0  # and what the data source ``required`` says, in MW
    required: str = ""
    offered_mw: float = 0.0
    price_per_mw_h: float = 0.0  # and what the data source ``price`` says
    price: str = ""
    assets: tuple[str, ...] = ()  # who may hold it; none named = all that can
    off_line: bool = False


@dataclass(frozen=True, slots=True)
class PlantSpec:
    """The ``[plant]`` table."""

    name: str
    currency: str = "EUR"
    dispatch_period_s: float = 2.0  # wall-clock seconds
    mode: str = "follow"  # at first start: "follow" the EMS target, or "schedule"
    enabled: bool = False  # at first start: may the plant command its assets
    on_stop: str = "hold"  # what assets do at a clean stop: "hold" or "zero"
    target_mw: float = 0.0  # at first start
    shadow: bool = False  # decide and publish, command nobody
    settle_s: float = 60.0  # plant seconds a step of the target may take before it counts as an error
    ramp_mw_per_min: float = float("inf")  # of the target that is followed, plant time
    regulation_mw: float = 0.0  # on top of the target at a regulation signal of 1
    regulation_hold_s: float = 60.0  # wall seconds that a signal holds which is not renewed
    calculations: str = ""  # file name of the map of points calculated for the whole site


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """The ``[schedule]`` table."""

    step_s: float = 900.0
    horizon_s: float = 86_400.0
    every_s: float = 900.0  # plant time between solves
    objective: Objective = Objective.COST
    time_limit_s: float = 20.0
    relative_gap: float = 0.005
    reserve_mw: float = 0.0
    import_limit_mw: float = 0.0
    export_limit_mw: float = 0.0
    value_of_lost_load_per_mwh: float = 10_000.0
    load: str = ""  # data source of the expected requirement
    price: str = ""  # data source
    ambient: str = ""
    n_minus_1: bool = False  # hold reserve for the loss of any large unit, whatever leads


@dataclass(frozen=True, slots=True)
class Site:
    """A whole site. ``points[row]`` is the point at a row of the database."""

    file: Path
    plant: PlantSpec
    schedule: ScheduleSpec
    fleet: Fleet
    sessions: tuple[SessionSpec, ...]
    ems: tuple[EmsSpec, ...]
    data: tuple[DataSource, ...]
    points: tuple[Point, ...]
    row_of: dict[str, int] = field(default_factory=dict)  # point id → row
    products: tuple[ProductSpec, ...] = ()
    limits: tuple[Limit, ...] = ()
