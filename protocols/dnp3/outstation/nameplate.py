"""What a site says about the device that an outstation shows: the texts and the place of its attributes."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from protocols.dnp3.settings import SettingsReader

_PACKAGE = "vppscada"


def _version() -> str:
    """Version of this package; empty where it runs without being installed."""
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return ""


_VERSION = _version()


@dataclass(frozen=True, slots=True)
class Nameplate:
    """Keys ``device_*`` of an ``[[ems]]`` table; what is empty or None is not told.

    ``name``, ``location`` and ``id`` are the user's: a master may write others, which hold until our restart.
    ``latitude`` and ``longitude`` are degrees, positive north and east; ``altitude_m`` metres.
    """

    manufacturer: str = _PACKAGE
    product: str = _PACKAGE
    serial: str = ""
    hardware: str = ""
    software: str = _VERSION
    owner: str = ""
    name: str = ""
    location: str = ""
    id: str = ""
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None


BLANK = Nameplate()
_LONGEST = 255
_TEXTS = ("manufacturer", "product", "serial", "hardware", "software", "owner", "name", "location", "id")
_PLACES = {"latitude": 90.0, "longitude": 180.0, "altitude_m": 10_000.0}


def read_nameplate(reader: SettingsReader) -> Nameplate:
    """Take the ``device_*`` keys; faults are left with the reader."""
    values: dict[str, str | float | None] = {}
    for word in _TEXTS:
        values[word] = reader.text_up_to(f"device_{word}", getattr(BLANK, word), _LONGEST)
    for word, most in _PLACES.items():
        values[word] = reader.optional_number(f"device_{word}", -most, most)
    return Nameplate(**values)  # type: ignore[arg-type]  # each value was checked by the reader
