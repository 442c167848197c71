"""What a line of the local API asks for. Pure: whatever comes in becomes a request or a fault in words."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vppscada.model.errors import VppscadaError
from vppscada.model.points import Point

#: Octets of a request; a longer line is a fault and ends its connection.
LONGEST_LINE = 65_536
#: Points in one answer; more are asked for page by page.
PAGE = 1_000
METHODS = (
    "status",
    "points",
    "watch",
    "operate",
    "force",
    "release",
    "plan",
    "apply",
    "fleet",
    "schedule",
    "forecasts",
)
_LONGEST_REASON = 200
_LONGEST_LIFETIME_S = 30.0
_LONGEST_VERIFY_S = 300.0
_LONGEST_FORCE_S = 366 * 86_400.0
_LONGEST_PATH = 4096
_MOST_SETTINGS = 1_000
_TRIAL_S = 60.0
_LONGEST_TRIAL_S = 3_600.0


class RequestFault(VppscadaError):
    """A request that cannot be carried out as it stands. ``request_id`` is its id, where it had one."""

    def __init__(self, words: str, request_id: int | str | None = None) -> None:
        super().__init__(words)
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what is wanted, and the parameters as they came."""

    id: int | str
    method: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class OperateRequest:
    """A command that an operator asks for, in engineering units. Times in seconds."""

    row: int
    value: float
    reason: str
    lifetime_s: float
    verify_s: float  # wait so long for its effect to be seen; 0 = do not wait


@dataclass(frozen=True, slots=True)
class ForceRequest:
    """A value that somebody forces a point to, in engineering units, for so many seconds; None = until released."""

    point: str
    value: float
    reason: str
    by: str
    for_s: float | None


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """A site as a command line names it: its file, and settings in place of those in it."""

    file: str
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """Put it in force: the mark of the plan that was agreed to, and for how long what was good before is watched."""

    mark: str
    within_s: float


def read_request(line: bytes) -> Request:
    """The request in one line.

    Raises:
        RequestFault: it is not JSON, or not of the shape of a request.
    """
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        raise RequestFault("not JSON; expected one object a line") from None
    if not isinstance(asked, dict):
        raise RequestFault("no object; expected id, method and params")
    number = asked.get("id")
    if isinstance(number, bool) or not isinstance(number, int | str) or len(str(number)) > 64:
        raise RequestFault("no id; expected a number or a short text")
    method, params = asked.get("method"), asked.get("params", {})
    if method not in METHODS:
        raise RequestFault(f"unknown method; expected one of {', '.join(METHODS)}", number)
    if not isinstance(params, dict):
        raise RequestFault("params that are no object", number)
    return Request(number, str(method), params)


def wanted_rows(params: Mapping[str, object], points: Sequence[Point], row_of: Mapping[str, int]) -> list[int]:
    """The rows of ``points`` in the request: full ids, or names of assets for all of theirs; without, every row.

    Raises:
        RequestFault: one that this station has not.
    """
    names = params.get("points")
    if names is None:
        return list(range(len(points)))
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise RequestFault("points that are no list of ids")
    rows: dict[int, None] = {}
    for name in names:
        row = row_of.get(name)
        found = [row] if row is not None else [i for i, point in enumerate(points) if point.asset == name]
        if not found:
            raise RequestFault(f"no point or asset {name[:100]!r}")
        rows.update(dict.fromkeys(found))
    return list(rows)


def read_offset(params: Mapping[str, object]) -> int:
    """Where the page begins, from 0.

    Raises:
        RequestFault: it is no such number.
    """
    offset = params.get("offset", 0)
    if isinstance(offset, bool) or not isinstance(offset, int) or offset < 0:
        raise RequestFault("offset that is not a number of 0 or more")
    return offset


def read_operate(params: Mapping[str, object], row_of: Mapping[str, int]) -> OperateRequest:
    """The command of an ``operate``.

    Raises:
        RequestFault: a parameter is missing or has no sense.
    """
    row = row_of[read_point(params, row_of)]
    reason = params.get("reason", "")
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON:
        raise RequestFault(f"reason that is no text of at most {_LONGEST_REASON} characters")
    return OperateRequest(
        row,
        _number(params, "value", None, -math.inf, math.inf),
        reason,
        _number(params, "lifetime_s", 5.0, 0.1, _LONGEST_LIFETIME_S),
        _number(params, "verify_s", 0.0, 0.0, _LONGEST_VERIFY_S),
    )


def read_force(params: Mapping[str, object], row_of: Mapping[str, int]) -> ForceRequest:
    """What a ``force`` asks.

    Raises:
        RequestFault: a parameter is missing or has no sense.
    """
    for_s = None if params.get("for_s") is None else _number(params, "for_s", None, 0.0, _LONGEST_FORCE_S)
    return ForceRequest(
        read_point(params, row_of),
        _number(params, "value", None, -math.inf, math.inf),
        _text(params, "reason"),
        _text(params, "by"),
        for_s,
    )


def read_point(params: Mapping[str, object], row_of: Mapping[str, int]) -> str:
    """The full id of the point.

    Raises:
        RequestFault: the station has no such point.
    """
    point = params.get("point")
    if not isinstance(point, str) or point not in row_of:
        raise RequestFault("point that this station has not")
    return point


def read_site(params: Mapping[str, object]) -> SiteRequest:
    """The site of a ``plan`` or ``apply``.

    Raises:
        RequestFault: a parameter is missing or has no sense.
    """
    settings = params.get("settings") or {}
    if not isinstance(settings, dict) or len(settings) > _MOST_SETTINGS:
        raise RequestFault(f"settings that are no object of at most {_MOST_SETTINGS} values")
    if not all(isinstance(value, str | int | float) for value in settings.values()):
        raise RequestFault("a setting that is no text, number or truth value")
    file = params.get("file")
    if not isinstance(file, str) or not 0 < len(file) <= _LONGEST_PATH or "\0" in file:
        raise RequestFault("file that is no path")
    return SiteRequest(file, settings)


def read_apply(params: Mapping[str, object]) -> ApplyRequest:
    """How a site is to be applied.

    Raises:
        RequestFault: a parameter is missing or has no sense.
    """
    return ApplyRequest(_text(params, "mark"), _number(params, "within_s", _TRIAL_S, 0.1, _LONGEST_TRIAL_S))


def _text(params: Mapping[str, object], key: str) -> str:
    text = params.get(key)
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_REASON:
        raise RequestFault(f"{key} that is no text of 1 to {_LONGEST_REASON} characters")
    return text


def _number(params: Mapping[str, object], key: str, default: float | None, lowest: float, highest: float) -> float:
    given = params.get(key, default)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise RequestFault(f"{key} that is not a number")
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or not lowest <= number <= highest:
        raise RequestFault(f"{key} that is not a number from {lowest:g} to {highest:g}")
    return number
