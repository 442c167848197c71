"""Reading the settings of an outstation: the ``[[ems]]`` table of a site file and its ``[[ems.masters]]`` tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network

from protocols.dnp3.channels import MediumKind, MediumRole, read_transport
from protocols.dnp3.link import MAX_LINK_ADDRESS
from protocols.dnp3.link_sending import read_link
from protocols.dnp3.outstation.config import CLASS_0_GROUPS, Dnp3OutstationSettings, Network
from protocols.dnp3.outstation.nameplate import read_nameplate
from protocols.dnp3.settings import SettingsReader
from vppscada.model.errors import SettingFault, SettingFaults


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
    "back_pressure_s": _Number(0, 60, False),
    "local_control_input": _Number(-1, 65535, True),
    "device_trouble_input": _Number(-1, 65535, True),
}
_PER_CLASS: dict[str, _Number] = {
    "unsolicited_hold_s": _Number(0, 3600, False),
    "unsolicited_hold_events": _Number(1, 1_000_000, True),
}
_FLAGS = ("unsolicited", "trust_local_clock", "self_address", "freeze_events_on_change")
_TEXTS = {"host": "an address to listen on", "name": "a name"}
_WORDS = {"overflow": ("newest", "back_pressure"), "restart": ("refuse", "outstation", "station")}
#: Keys that the tables of several masters can have each of their own.
MASTER_KEYS = (
    "name",
    "master_address",
    "sources",
    "unsolicited",
    "confirm_timeout_s",
    "select_timeout_s",
    "command_timeout_s",
    "max_controls",
    "max_events",
    "max_fragment",
    "unsolicited_retries",
    "unsolicited_hold_s",
    "unsolicited_hold_events",
    "class_0",
    "overflow",
    "back_pressure_s",
    "restart",
)


def read_outstation(table: Mapping[str, object]) -> Dnp3OutstationSettings:
    """Read the protocol settings of an ``[[ems]]`` table; keys that are missing take their defaults.

    ``unsolicited_hold_*`` take one number for all classes or a list of three, class 1 first. ``masters`` is a list
    of tables, each with a ``master_address`` and whatever of `MASTER_KEYS` differs from the table around it.

    Raises:
        SettingFaults: every fault at once, unknown keys included.
    """
    own = {key: given for key, given in table.items() if key != "masters"}
    settings, faults = _read_table(own)
    if "masters" in table and "master_address" in table:
        faults.append(SettingFault("master_address", "beside masters", "master_address in each table of masters"))
    given = table.get("masters", [])
    if not isinstance(given, list) or ("masters" in table and not given):
        faults.append(SettingFault("masters", repr(given), "a list of tables, each with master_address = …"))
        given = []
    masters = [_read_master(one, n, own, faults) for n, one in enumerate(given, 1)]
    known = [one for one in masters if one is not None]
    _check_apart(known, faults)
    if any(one.local_address == one.master_address for one in known or [settings]):
        found = str(settings.local_address)
        faults.append(SettingFault("local_address", found, "another address than the master's"))
    if settings.transport.kind is MediumKind.SERIAL and any(one.sources for one in known or [settings]):
        faults.append(
            SettingFault("sources", "on a serial line", "nothing: masters on a line have link addresses only")
        )
    if faults:
        raise SettingFaults(faults)
    if known:
        return replace(settings, master_address=known[0].master_address, masters=tuple(known))
    return settings


def _read_master(
    table: object, number: int, around: Mapping[str, object], faults: list[SettingFault]
) -> Dnp3OutstationSettings | None:
    """One table of masters; what it does not say, the table around it says."""
    if not isinstance(table, Mapping):
        faults.append(SettingFault("masters", repr(table), "a table"))
        return None
    known = "one of " + ", ".join(MASTER_KEYS)
    found = [SettingFault(key, "unknown key", known) for key in table if key not in MASTER_KEYS]
    if "master_address" not in table:
        found.append(SettingFault("master_address", "nothing", str(_NUMBERS["master_address"])))
    own = {key: given for key, given in table.items() if key in MASTER_KEYS}
    sound = {key: given for key, given in around.items() if not _read_table({key: given})[1]}
    settings, wrong = _read_table({**sound, **own})
    found += wrong
    faults += [SettingFault("masters", f"{number}: {fault.key}: {fault.found}", fault.expected) for fault in found]
    return None if found else settings


def _check_apart(masters: Sequence[Dnp3OutstationSettings], faults: list[SettingFault]) -> None:
    """No frame may belong to two masters, and no event store either."""
    for n, one in enumerate(masters):
        for other in masters[n + 1 :]:
            if one.identity == other.identity:
                faults.append(SettingFault("masters", f"two called {one.identity!r}", "a name of its own for each"))
            if one.master_address == other.master_address and _overlap(one.sources, other.sources):
                found = f"address {one.master_address} twice from the same place"
                faults.append(SettingFault("masters", found, "other addresses, or sources that do not overlap"))


def _overlap(one: Sequence[Network], other: Sequence[Network]) -> bool:
    pairs = ((a, b) for a in one for b in other)
    return not one or not other or any(a.version == b.version and a.overlaps(b) for a, b in pairs)


def _read_table(table: Mapping[str, object]) -> tuple[Dnp3OutstationSettings, list[SettingFault]]:
    """Settings without masters; where there are faults, with the defaults in their places."""
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
            values["master" if key == "name" else key] = _read(key, given)
        except _Refused as refused:
            faults.append(SettingFault(key, repr(given), refused.expected))
        except KeyError:
            known = {field.name for field in fields(Dnp3OutstationSettings)} - {"master"} - values.keys()
            faults.append(SettingFault(key, "unknown key", "one of " + ", ".join(sorted(known | reader.known))))
    return Dnp3OutstationSettings(**values), faults  # type: ignore[arg-type]  # each value was checked above


class _Refused(Exception):
    def __init__(self, expected: str) -> None:
        self.expected = expected


def _read(key: str, given: object) -> object:
    if key in _NUMBERS:
        return _read_number(given, _NUMBERS[key])
    if key in _PER_CLASS:
        return _read_per_class(given, _PER_CLASS[key])
    if key in _FLAGS:
        return _expect(isinstance(given, bool), given, "true or false")
    if key in _WORDS:
        return _expect(given in _WORDS[key], given, " | ".join(_WORDS[key]))
    if key in _TEXTS:
        return _expect(isinstance(given, str) and bool(given), given, _TEXTS[key])
    if key == "sources":
        return _read_sources(given)
    if key == "class_0":
        return _read_groups(given)
    raise KeyError(key)


def _expect(true: bool, given: object, expected: str) -> object:
    if not true:
        raise _Refused(expected)
    return given


def _read_groups(given: object) -> tuple[int, ...]:
    if isinstance(given, list) and all(type(group) is int and group in CLASS_0_GROUPS for group in given):
        return tuple(dict.fromkeys(given))
    raise _Refused(f"a list of static groups out of {', '.join(map(str, CLASS_0_GROUPS))}")


def _read_sources(given: object) -> tuple[Network, ...]:
    each = given if isinstance(given, list) else [given]
    try:
        networks = [ip_network(one) for one in each if isinstance(one, str)]
    except ValueError:
        networks = []
    if not networks or len(networks) != len(each):
        raise _Refused("an address or network, or a list of them")
    return tuple(networks)


def _read_number(given: object, limits: _Number) -> object:
    if not limits.accepts(given):
        raise _Refused(str(limits))
    return given


def _read_per_class(given: object, limits: _Number) -> object:
    each = given if isinstance(given, list) else [given] * 3
    if len(each) != 3 or not all(limits.accepts(one) for one in each):
        raise _Refused(f"{limits}, or a list of three of them")
    return tuple(each)
