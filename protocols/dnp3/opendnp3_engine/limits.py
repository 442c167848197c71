"""What the engine cannot do is a fault of the site file, not a surprise in the field. Imports no ``opendnp3``."""

from dataclasses import MISSING, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vppscada.model.errors import SettingFault

if TYPE_CHECKING:
    from protocols.dnp3.master.config import Dnp3SessionSettings

PACKAGE = "opendnp3"
_INSTALL = 'the package that brings it: pip install "vppscada[opendnp3]"'
#: Fields of the settings that this engine obeys, whatever their value.
_OBEYED = frozenset(
    {
        "engine",
        "host",
        "port",
        "local_address",
        "remote_address",
        "connect_timeout_s",
        "response_timeout_s",
        "read_retries",
        "integrity_period_s",
        "class1_period_s",
        "class2_period_s",
        "class3_period_s",
        "keepalive_s",
    }
)
#: Values beside the default that it obeys too.
_OBEYED_VALUES: dict[str, tuple[object, ...]] = {"time_sync": ("none",)}
#: Keys of the site file behind fields that have another name.
_KEYS = {"transport": "medium, role, channel or trace", "link": "link_confirm"}


def engine_faults(settings: "Dnp3SessionSettings", found: bool | None = None) -> list[SettingFault]:
    """Faults of a session that wants this engine. ``found``: the package is installed; None to look.

    A setting that this list does not know is a fault as soon as it differs from its default.
    """
    installed = find_spec(PACKAGE) is not None if found is None else found
    faults = [] if installed else [SettingFault("engine", f'"{PACKAGE}", which is not installed', _INSTALL)]
    for field in fields(settings):
        default = field.default if field.default is not MISSING else None
        value = getattr(settings, field.name)
        obeyed = field.name in _OBEYED or value == default or value in _OBEYED_VALUES.get(field.name, ())
        if not obeyed:
            key = _KEYS.get(field.name, field.name)
            faults.append(SettingFault(key, f"a setting that engine {PACKAGE} cannot obey", _expected(field.name)))
    return faults


def _expected(name: str) -> str:
    match name:
        case "transport":
            return "medium tcp, role client, no channel, no trace; or engine vppscada"
        case "time_sync":
            return "lan | none; or engine vppscada"
        case "unsolicited":
            return "true; or engine vppscada"
        case _:
            return "its default; or engine vppscada"
