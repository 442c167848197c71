"""The columns of every point map: what each means and the words that may stand in it. The one list of them.

The reader of maps, the drop-downs of their spreadsheets and the documents all go by it. The address columns of a
protocol stand beside these, see `vppscada.model.drivers.Driver`.
"""

from dataclasses import dataclass

from vppscada.model.commands import CommandMode
from vppscada.model.drivers import Driver
from vppscada.model.points import PointKind, Role

_YES_NO = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``words`` is empty where any text of the right form may stand."""

    name: str
    meaning: str
    words: tuple[str, ...] = ()
    required: bool = True  # a map without it has a fault


TABLE = (
    Column("point", "Name within the asset, of letters, digits and _; in a map of exports the full id, asset.point"),
    Column("description", "What it is, for people"),
    Column("kind", "Kind of point, in the words of IEEE 1815", tuple(PointKind)),
    Column("role", "What it means to the plant; blank where it means nothing to it", tuple(Role)),
    Column("data_type", "Type on the wire; blank for the usual one"),
    Column("scale", "Engineering value = wire value × scale + offset; blank is 1"),
    Column("offset", "See scale; blank is 0"),
    Column("units", "Engineering units of this line: of scale, limits and deadband"),
    Column("minimum", "Least engineering value; below it a reading is OVER_RANGE, a command refused"),
    Column("maximum", "Greatest engineering value"),
    Column("deadband", "Engineering units a value must move before it is reported"),
    Column("event_class", "Class of its events, 1 to 3; 0 or blank makes none", ("0", "1", "2", "3")),
    Column("writable", "yes for an output that may be commanded", _YES_NO),
    Column("command_mode", "How it is commanded; blank is direct", tuple(CommandMode)),
    Column("pulse", "Of a binary output: latch, pulse ON_MS [OFF_MS] or trip_close ON_MS [OFF_MS]"),
    Column("feedback", "Of an output: the point of this map that shows the effect"),
    Column("state_names", "Names of the states 0, 1, 2 … between bars"),
    Column("stale_after_s", "Seconds without a report after which it is STALE"),
    Column("enabled", "no leaves the line out of use", _YES_NO),
    Column("convert_to", "Units in which the plant holds it, where its role does not fix them", required=False),
    Column("clamp", "yes holds readings beyond minimum and maximum there, OVER_RANGE", _YES_NO, required=False),
    Column("rate_limit", "Units per second that it may move at most; held back, it is OVER_RANGE", required=False),
    Column("rollover", "Count on the wire at which a counter begins anew: it becomes a running total", required=False),
    Column("codes", "What the device says for state 0, 1, 2 …, between bars", required=False),
    Column("substitute", "Value shown, LOCAL_FORCED, while the reading is unfit", required=False),
    Column("frozen_after_s", "Seconds of reports without change after which it is FROZEN", required=False),
    Column("invert", "yes swaps 0 and 1 of a binary input", _YES_NO, required=False),
    Column("expression", "What a calculated point is worked out from; such a line has no address", required=False),
)
#: Those that say what is done to readings.
CONDITIONING = ("clamp", "rate_limit", "rollover", "codes", "substitute", "frozen_after_s", "invert")
COLUMNS = tuple(column.name for column in TABLE)
REQUIRED = tuple(column.name for column in TABLE if column.required)


def all_columns(driver: Driver | None) -> tuple[Column, ...]:
    """Every column that a map of a protocol may have; those of the protocol last."""
    if driver is None:
        return TABLE
    own = tuple(
        Column(name, "", driver.column_words.get(name, ()), name not in driver.optional_columns)
        for name in driver.address_columns
    )
    typed = (Column(c.name, c.meaning, driver.data_types) if c.name == "data_type" else c for c in TABLE)
    return (*typed, *own)
