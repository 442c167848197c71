"""What a point is: its kind, its role in the plant, its limits and its place in the database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from vppscada.model.calculations import Calculation
from vppscada.model.commands import CommandMode, Pulse
from vppscada.model.conditioning import Conditioning


class PointKind(StrEnum):
    """Kinds of point, in the words of IEEE 1815; every protocol maps onto them."""

    BINARY_INPUT = "binary_input"
    DOUBLE_BIT_INPUT = "double_bit_input"
    ANALOG_INPUT = "analog_input"
    COUNTER = "counter"
    BINARY_OUTPUT = "binary_output"
    ANALOG_OUTPUT = "analog_output"
    STRING = "string"

    @property
    def is_output(self) -> bool:
        """True for the kinds that can be commanded."""
        return self in (PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)

    @property
    def is_analog(self) -> bool:
        """True for the kinds whose value is a quantity that is scaled."""
        return self in (PointKind.ANALOG_INPUT, PointKind.ANALOG_OUTPUT, PointKind.COUNTER)


class Role(StrEnum):
    """What a point means to the plant. A new device type needs a map that fills roles, and no code."""

    # measured quantities (engineering units after normalisation in brackets)
    ACTIVE_POWER = "active_power"  # MW, positive into the grid
    REACTIVE_POWER = "reactive_power"  # Mvar
    AVAILABLE_POWER = "available_power"  # MW it could inject now
    AVAILABLE_CHARGE_POWER = "available_charge_power"  # MW it could absorb now, positive
    STATE_OF_CHARGE = "state_of_charge"  # %
    STORED_ENERGY = "stored_energy"  # MWh
    VOLTAGE = "voltage"  # V
    CURRENT = "current"  # A
    FREQUENCY = "frequency"  # Hz
    POWER_FACTOR = "power_factor"
    APPARENT_POWER = "apparent_power"  # MVA
    AMBIENT_TEMPERATURE = "ambient_temperature"  # degC
    TEMPERATURE = "temperature"  # degC
    FUEL_LEVEL = "fuel_level"  # %
    WIND_SPEED = "wind_speed"  # m/s
    IRRADIANCE = "irradiance"  # W/m2
    ROTATIONAL_SPEED = "rotational_speed"  # rpm
    # counters
    RUN_HOURS = "run_hours"  # h
    STARTS = "starts"
    ENERGY_EXPORTED = "energy_exported"  # MWh
    ENERGY_IMPORTED = "energy_imported"  # MWh
    # states
    RUNNING = "running"  # 1 = synchronised or converting
    BREAKER = "breaker"  # 1 = closed
    FAULT = "fault"  # 1 = tripped, must be reset
    ALARM = "alarm"
    REMOTE = "remote"  # 1 = the device obeys us
    MODE = "mode"
    COMM_ONLINE = "comm_online"  # fed by the station: 1 = the asset's session is up
    # what the device says it was told
    SETPOINT_FEEDBACK = "setpoint_feedback"  # MW
    REACTIVE_SETPOINT_FEEDBACK = "reactive_setpoint_feedback"  # Mvar
    # commands
    SETPOINT = "setpoint"  # MW
    REACTIVE_SETPOINT = "reactive_setpoint"  # Mvar
    START_STOP = "start_stop"  # 1 = start
    BREAKER_COMMAND = "breaker_command"  # 1 = close
    FAULT_RESET = "fault_reset"
    MODE_COMMAND = "mode_command"
    SETPOINT_ENABLE = "setpoint_enable"  # some devices obey a setpoint only while this is 1
    HEARTBEAT = "heartbeat"
    # identity
    MANUFACTURER = "manufacturer"
    DEVICE_MODEL = "device_model"
    SERIAL_NUMBER = "serial_number"


#: Roles that carry active power: normalised to MW, whatever the map's units say.
POWER_ROLES = frozenset(
    {
        Role.ACTIVE_POWER,
        Role.AVAILABLE_POWER,
        Role.AVAILABLE_CHARGE_POWER,
        Role.SETPOINT,
        Role.SETPOINT_FEEDBACK,
    }
)


@dataclass(frozen=True, slots=True)
class Point:
    """One point as configured. Engineering value = wire value × scale + offset.

    ``minimum``, ``maximum`` and ``deadband`` are engineering values. ``address`` belongs to the
    protocol that reads it and is opaque to everybody else.
    """

    id: str  # "asset.point"
    kind: PointKind
    role: Role | None = None
    description: str = ""
    data_type: str = ""
    scale: float = 1.0
    offset: float = 0.0
    units: str = ""
    wire_units: str = ""  # of the wire value; blank where scale and offset make a bare number of it
    minimum: float | None = None
    maximum: float | None = None
    deadband: float = 0.0
    event_class: int = 0  # 0 = no events, 1..3
    writable: bool = False
    command_mode: CommandMode = CommandMode.DIRECT
    pulse: Pulse = field(default_factory=Pulse)
    feedback: str | None = None  # id of the point that shows the effect of a command
    state_names: tuple[str, ...] = ()
    stale_after_s: float | None = None
    enabled: bool = True
    address: object = None
    calculation: Calculation | None = None  # of a calculated point, which has no address
    conditioning: Conditioning | None = None

    @property
    def asset(self) -> str:
        """Name of the asset that the point belongs to (the id up to its first dot)."""
        return self.id.partition(".")[0]


class RowPoint(NamedTuple):
    """A point and its row: in the points database, or in the list that a session or an outstation is made with."""

    row: int
    point: Point


def placed(points: Iterable[RowPoint]) -> list[RowPoint]:
    """The same points, each at its place in this order: as a session counts them."""
    return [RowPoint(place, point) for place, (_, point) in enumerate(points)]
