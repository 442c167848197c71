"""Settings of an outstation: the ``[[ems]]`` table of a site file."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from protocols.dnp3.channels import TCP_SERVER, Medium, MediumRole, Transport, read_transport
from protocols.dnp3.link import MAX_LINK_ADDRESS
from protocols.dnp3.link_sending import UNCONFIRMED, LinkSettings, read_link
from protocols.dnp3.outstation.nameplate import BLANK, Nameplate, read_nameplate
from protocols.dnp3.settings import SettingsReader
from vppscada.model.errors import SettingFault, SettingFaults

#: Static groups that class 0 can mean. Frozen values (21, 31) are among them only where a site says so.
CLASS_0_GROUPS = (1, 3, 30, 31, 20, 21, 10, 40, 110)


@dataclass(frozen=True, slots=True)
class Dnp3OutstationSettings:
    """One outstation: where it listens, who it is and whose master it obeys.

    ``unsolicited`` permits unsolicited responses (the master still has to enable them).
    ``max_events`` bounds the buffer of each event class. With ``trust_local_clock`` our clock is never
    corrected by the master and IIN1.4 (need time) never set; otherwise it is set at start and again
    ``need_time_s`` after each time write (0 = never again). ``unsolicited_hold_s`` and
    ``unsolicited_hold_events``: a class waits so long, or for so many events, before it is reported.
    ``keepalive_s``: silence after which the master's link layer is asked for its status (0 = never);
    with ``self_address`` frames to 0xFFFC are taken as well and answered from our own address.
    ``class_0``: static groups that a read of class 0 tells. ``restart_time_s``: how long we say that a
    restart takes (to the ms up to 65 s, to the second beyond). With ``freeze_events_on_change`` a freeze
    makes events only of values that differ from those of the freeze before it.
    """

    host: str = "127.0.0.1"
    port: int = 20000
    local_address: int = 10
    master_address: int = 1
    unsolicited: bool = True
    confirm_timeout_s: float = 5.0
    select_timeout_s: float = 10.0
    command_timeout_s: float = 5.0
    max_controls: int = 16
    max_events: int = 10_000
    need_time_s: float = 1800.0
    trust_local_clock: bool = False
    max_fragment: int = 2048
    unsolicited_retries: int = 3
    unsolicited_hold_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unsolicited_hold_events: tuple[int, int, int] = (1, 1, 1)
    class_0: tuple[int, ...] = tuple(group for group in CLASS_0_GROUPS if group not in (21, 31))
    restart_time_s: float = 5.0
    freeze_events_on_change: bool = False
    transport: Transport = TCP_SERVER
    link: LinkSettings = UNCONFIRMED
    keepalive_s: float = 0.0
    self_address: bool = False
    nameplate: Nameplate = BLANK

    @property
    def medium(self) -> Medium:
        """Where its masters come from, or where it dials."""
        return Medium(self.transport, self.host, self.port)


@dataclass(frozen=True, slots=True)
class _Number:
    """Limits of a number, both included."""

    low: float
    high: float
    whole: bool

    def accepts(self, value: object) -> bool:
        """True for a number (never a bool) within the limits."""
        kinds = (int,) if self.whole else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{'a whole number' if self.whole else 'a number'} from {self.low:g} to {self.high:g}"


_NUMBERS: dict[str, _Number] = {
    "port": _Number(0, 65535, True),
    "local_address": _Number(0, MAX_LINK_ADDRESS, True),
    "master_address": _Number(0, MAX_LINK_ADDRESS, True),
    "confirm_timeout_s": _Number(0.05, 3600, False),
    "select_timeout_s": _Number(0.05, 3600, False),
    "command_timeout_s": _Number(0.05, 3600, False),
    "max_controls": _Number(1, 255, True),
    "max_events": _Number(1, 1_000_000, True),
    "need_time_s": _Number(0, 31_536_000, False),
    "keepalive_s": _Number(0, 86_400, False),
    "max_fragment": _Number(300, 65535, True),
    "unsolicited_retries": _Number(0, 1000, True),
    "restart_time_s": _Number(0, 65535, False),
}
_PER_CLASS: dict[str, _Number] = {
    "unsolicited_hold_s": _Number(0, 3600, False),
    "unsolicited_hold_events": _Number(1, 1_000_000, True),
}
_FLAGS = ("unsolicited", "trust_local_clock", "self_address", "freeze_events_on_change")


def read_outstation(table: Mapping[str, object]) -> Dnp3OutstationSettings:
    """Read the protocol settings of an ``[[ems]]`` table; keys that are missing take their defaults.

    ``unsolicited_hold_*`` take one number for all classes or a list of three, class 1 first.

    Raises:
        SettingFaults: every fault at once, unknown keys included.
    """
    reader = SettingsReader(table)
    values: dict[str, object] = {
        "transport": read_transport(reader, MediumRole.SERVER),
        "link": read_link(reader),
        "nameplate": read_nameplate(reader),
    }
    faults = reader.faults
    for key, given in table.items():
        if key in reader.known:
            continue
        try:
            values[key] = _read(key, given)
        except _Refused as refused:
            faults.append(SettingFault(key, repr(given), refused.expected))
        except KeyError:
            known = {field.name for field in fields(Dnp3OutstationSettings)} - set(values) | reader.known
            faults.append(SettingFault(key, "unknown key", "one of " + ", ".join(sorted(known))))
    if faults:
        raise SettingFaults(faults)
    settings = Dnp3OutstationSettings(**values)  # type: ignore[arg-type]  # each value was checked above
    if settings.local_address == settings.master_address:
        found = str(settings.local_address)
        raise SettingFaults([SettingFault("local_address", found, "another address than the master's")])
    return settings


class _Refused(Exception):
    def __init__(self, expected: str) -> None:
        self.expected = expected


def _read(key: str, given: object) -> object:
    if key == "host":
        if isinstance(given, str) and given:
            return given
        raise _Refused("an address to listen on")
    if key in _FLAGS:
        if isinstance(given, bool):
            return given
        raise _Refused("true or false")
    if key == "class_0":
        if isinstance(given, list) and all(type(group) is int and group in CLASS_0_GROUPS for group in given):
            return tuple(dict.fromkeys(given))
        raise _Refused(f"a list of static groups out of {', '.join(map(str, CLASS_0_GROUPS))}")
    if key in _PER_CLASS:
        return _read_per_class(given, _PER_CLASS[key])
    return _read_number(given, _NUMBERS[key])


def _read_number(given: object, limits: _Number) -> object:
    if not limits.accepts(given):
        raise _Refused(str(limits))
    return given


def _read_per_class(given: object, limits: _Number) -> object:
    each = given if isinstance(given, list) else [given] * 3
    if len(each) != 3 or not all(limits.accepts(one) for one in each):
        raise _Refused(f"{limits}, or a list of three of them")
    return tuple(each)
