"""The same logical device over each protocol: eight points, addressed as that protocol does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import protocols.dnp3
import protocols.modbus
import protocols.opcua
from vppscada.model.drivers import Driver
from vppscada.model.outstations import CommandHandler, Outstation
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.sessions import Session

#: Rows of the outstation's list.
POWER, LEVEL, RUNNING, FAULT, ENERGY, SETPOINT, START, SPARE = range(8)
#: A session counts rows of the points database, where these points stand elsewhere and in another order.
SESSION_ROW = {row: 40 - 3 * row for row in range(8)}

_KINDS = (
    ("dev.power", PointKind.ANALOG_INPUT),
    ("dev.level", PointKind.ANALOG_INPUT),
    ("dev.running", PointKind.BINARY_INPUT),
    ("dev.fault", PointKind.BINARY_INPUT),
    ("dev.energy", PointKind.COUNTER),
    ("dev.setpoint", PointKind.ANALOG_OUTPUT),
    ("dev.start", PointKind.BINARY_OUTPUT),
    ("dev.spare", PointKind.ANALOG_INPUT),
)


@dataclass(frozen=True)
class Case:
    """One protocol: its driver, the cells of the eight points, and the tables of a quick session."""

    driver: Driver
    cells: tuple[tuple[Mapping[str, str], str], ...]  # address cells and data type, by row
    session_table: Mapping[str, object]
    outstation_table: Mapping[str, object]
    hasty: Mapping[str, object]  # changes to it where all that is tested is that a loss is noticed
    serves_many: bool = True  # False: a second client takes the place of the first
    refusal_name_is_kept: bool = True  # False: the wire has fewer words for a refusal than we do
    notices_s: float = 10.0  # a hung peer must be noticed in less; generous, as machines are busy
    name: str = field(default="")

    def points(self) -> list[Point]:
        """The points in the order of the outstation's rows. Scales differ from 1: sessions must not apply them."""
        return [
            Point(
                id=identifier,
                kind=kind,
                data_type=data_type,
                scale=10.0 if kind.is_analog else 1.0,
                event_class=0 if kind.is_output else 1,
                writable=kind.is_output,
                address=self.driver.read_address(cells, kind, data_type),
            )
            for (identifier, kind), (cells, data_type) in zip(_KINDS, self.cells, strict=True)
        ]

    def outstation(self, handler: CommandHandler, port: int = 0) -> Outstation:
        """A server of the points."""
        settings = self.driver.read_outstation({**self.outstation_table, "host": "127.0.0.1", "port": port})
        rows = [RowPoint(row, point) for row, point in enumerate(self.points())]
        return self.driver.outstation("device", settings, rows, handler, None)

    def session(self, port: int, disabled: frozenset[int] = frozenset(), hasty: bool = False) -> Session:
        """A session on the points, at the rows of `SESSION_ROW`; some may be disabled.

        A hasty one gives up soon: where the peer is to be given up on, never where an answer is to come in time.
        """
        table = {**self.session_table, **(self.hasty if hasty else {}), "host": "127.0.0.1", "port": port}
        settings = self.driver.read_session(table)
        points = [replace(point, enabled=row not in disabled) for row, point in enumerate(self.points())]
        rows = [RowPoint(SESSION_ROW[row], point) for row, point in enumerate(points)]
        return self.driver.session("dev", settings, list(reversed(rows)))


def _dnp3() -> Case:
    indexes = (0, 7, 0, 5, 3, 2, 1, 300)
    types = ("float32", "int16", "", "", "uint32", "float32", "", "float32")
    return Case(
        driver=protocols.dnp3.DRIVER,
        cells=tuple(({"index": str(i)}, data_type) for i, data_type in zip(indexes, types, strict=True)),
        session_table={
            "connect_timeout_s": 2.0,
            "response_timeout_s": 2.0,
            "read_retries": 0,
            "keepalive_s": 0.5,
            "local_address": 1,
            "remote_address": 10,
        },
        hasty={"response_timeout_s": 0.5},
        outstation_table={"local_address": 10, "master_address": 1, "confirm_timeout_s": 0.5},
        serves_many=False,
        name="dnp3",
    )


def _modbus() -> Case:
    places = (
        ("input_register", 100, "float32"),
        ("input_register", 110, "int16"),
        ("discrete_input", 3, ""),
        ("discrete_input", 9, ""),
        ("input_register", 120, "uint32"),
        ("holding_register", 4, "float32"),
        ("coil", 2, ""),
        ("input_register", 300, "float32"),
    )
    return Case(
        driver=protocols.modbus.DRIVER,
        cells=tuple(({"table": table, "register": str(at)}, data_type) for table, at, data_type in places),
        session_table={"timeout_s": 2.0, "connect_timeout_s": 2.0, "period_s": 0.05},
        hasty={"timeout_s": 0.4},
        outstation_table={},
        refusal_name_is_kept=False,
        name="modbus",
    )


def _opcua() -> Case:
    nodes = (
        ("s=Dev.Power", "float"),
        ("i=17", "int16"),
        ("s=Dev.Running", ""),
        ("g=72962b91-fa75-4ae6-8d28-b404dc7daf63", ""),
        ("s=Dev.Energy", "uint32"),
        ("s=Dev.Setpoint", "float"),
        ("s=Dev.Start", ""),
        ("s=Dev.Spare", "double"),
    )
    return Case(
        driver=protocols.opcua.DRIVER,
        cells=tuple(({"namespace_uri": "urn:contract", "identifier": node}, data_type) for node, data_type in nodes),
        session_table={"timeout_s": 4.0, "publishing_interval_ms": 20.0, "keepalive_count": 20},
        hasty={"timeout_s": 0.8},
        outstation_table={"command_timeout_s": 5.0},
        name="opcua",
    )


def _opendnp3() -> Case:
    ours = _dnp3()
    return replace(ours, session_table={**ours.session_table, "engine": "opendnp3"}, name="dnp3-opendnp3")


CASES = (_dnp3(), _modbus(), _opcua(), *([_opendnp3()] if find_spec("opendnp3") else []))
