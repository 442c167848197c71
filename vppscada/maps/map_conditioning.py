"""The columns that say what is done to readings: clamp, rate_limit, rollover, codes, substitute, frozen_after_s …"""

import re
from dataclasses import replace

from vppscada.maps.columns import CONDITIONING
from vppscada.maps.map_cells import LineReader
from vppscada.maps.units import fixed_units, linear
from vppscada.maps.words import quoted
from vppscada.model.conditioning import Conditioning
from vppscada.model.points import PointKind, Role

_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_COUNTERS = (PointKind.COUNTER, PointKind.ANALOG_INPUT)
_STATES = (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.DOUBLE_BIT_INPUT)
_INPUTS = (*_STATES, PointKind.COUNTER)
#: The kinds of point that each of the columns is for.
_KINDS: dict[str, tuple[PointKind, ...]] = {
    "clamp": _COUNTERS,
    "rate_limit": (PointKind.ANALOG_INPUT,),
    "rollover": _COUNTERS,
    "codes": _STATES,
    "substitute": _INPUTS,
    "frozen_after_s": _INPUTS,
    "invert": (PointKind.BINARY_INPUT,),
}


def read_conditioning(cells: LineReader, kind: PointKind) -> Conditioning | None:
    """What a line says of its readings, in the map's units (``rollover`` in counts on the wire); None if nothing."""
    filled = [column for column in CONDITIONING if cells.text(column)]
    if not filled:
        return None
    for column in filled:
        if cells.text("expression"):
            cells.fault(column, "nothing for a calculated point")
        elif kind not in _KINDS[column]:
            cells.fault(column, f"nothing for a point of kind {kind}")
    clamp = bool(cells.yes_no("clamp"))
    if clamp and not (cells.text("minimum") or cells.text("maximum")):
        cells.fault("clamp", "a minimum or a maximum to be held at")
    if cells.yes_no("invert") and (cells.text("scale") or cells.text("offset")):
        cells.fault("invert", "either invert or a scale and an offset")
    made = Conditioning(
        codes=_codes(cells),
        rollover=cells.number("rollover", "the count at which it begins anew, 2 or more", lowest=2.0),
        rate_limit_per_s=cells.number("rate_limit", "units per second, more than 0", lowest=1e-12),
        clamp=clamp,
        substitute=cells.number("substitute"),
        frozen_after_s=cells.number("frozen_after_s", "seconds, more than 0", lowest=1e-3),
    )
    return None if made == Conditioning() else made


def _codes(cells: LineReader) -> tuple[float, ...]:
    text = cells.text("codes")
    words = [word.strip() for word in text.split("|")] if text else []
    names = cells.text("state_names")
    wanted = len(names.split("|")) if names else len(words)
    if not all(map(_WHOLE.fullmatch, words)) or len(set(words)) != len(words):
        cells.fault("codes", "different whole numbers between bars: what the device says for state 0, 1, 2 …")
    elif words and len(words) != wanted:
        cells.fault("codes", f"{wanted} of them, one for each of state_names")
    elif words and (cells.text("scale") or cells.text("offset")):
        cells.fault("codes", "either codes or a scale and an offset")
    else:
        return tuple(map(float, words))
    return ()


def normalised(found: Conditioning | None, scale: float, factor: float, shift: float) -> Conditioning | None:
    """In the plant's units: ``scale`` is the line's, ``factor`` and ``shift`` bring its units to the plant's."""
    if found is None:
        return None
    return replace(
        found,
        rollover=None if found.rollover is None else abs(found.rollover * scale * factor),
        rate_limit_per_s=None if found.rate_limit_per_s is None else found.rate_limit_per_s * abs(factor),
        substitute=None if found.substitute is None else found.substitute * factor + shift,
    )


def check_conversion(cells: LineReader, kind: PointKind, role: Role | None) -> None:
    """``convert_to`` is a unit that ``units`` converts to, of a quantity whose unit no role fixes."""
    wanted, units = cells.text("convert_to"), cells.text("units")
    if not wanted:
        return
    if not kind.is_analog or cells.text("expression"):
        cells.fault("convert_to", "nothing for this point")
    elif fixed_units(role) not in ("", wanted):
        cells.fault("convert_to", f"{fixed_units(role)} or nothing: the role {role} fixes it")
    elif linear(units, wanted) is None:
        cells.fault("convert_to", f"units to which {quoted(units)} converts")
