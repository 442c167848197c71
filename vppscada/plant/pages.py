"""Pages of the books: what one interval brought, and the state it began with; their form on disk. Pure.

A page never spans an interval or a day. A restart, a changed fleet or a stall ends a page; what none covers is a gap.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.plant.books import ASSET_SUMS, PLANT_SUMS, Account, interval_of

Column = NDArray[np.float64]

REALISED, SCHEDULED, SHADOW = "realised", "scheduled", "shadow"
_VERSION = 1
#: Milliseconds of plant time by which two periods may miss each other and still be one: rounding of clocks.
_SEAM_MS = 1_000
#: A shorter time that no page covers is rounding and no gap.
_LEAST_GAP_MS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """The fleet at the begin of a page, in columns of length n; flags as 0 and 1. NaN = not known."""

    power_mw: Column
    on: Column
    hours_in_state: Column
    stored_mwh: Column
    usable: Column
    permitted: Column
    run_hours_today: Column
    run_hours_year: Column
    non_emergency_today: Column
    non_emergency_year: Column

    @property
    def is_known(self) -> bool:
        """True if every asset has been seen."""
        return not bool(np.isnan(self.power_mw).any())

    def filled(self, later: "Opening") -> "Opening":
        """With the first state of what is seen only now: nothing earlier is known of it."""
        unseen, no_store = np.isnan(self.power_mw), np.isnan(self.stored_mwh)
        kept = {name: np.where(unseen, getattr(later, name), getattr(self, name)) for name in _OPENING}
        return Opening(**{**kept, "stored_mwh": np.where(no_store, later.stored_mwh, self.stored_mwh)})


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Part of one interval, in plant time (UTC ms). ``names`` are the assets in the order of the columns."""

    begin_ms: int
    end_ms: int
    step_ms: int
    names: tuple[str, ...]
    accounts: Mapping[str, Account]  # by `REALISED`, `SCHEDULED`, `SHADOW`
    opening: Opening
    stored_at_end_mwh: Column

    @property
    def interval_ms(self) -> int:
        """Begin of the interval that it is part of."""
        return interval_of(self.begin_ms, self.step_ms)

    def goes_on(self, begin_ms: int, seam_ms: int = _SEAM_MS) -> bool:
        """True if a period that begins then belongs on this page."""
        return interval_of(begin_ms, self.step_ms) == self.interval_ms and abs(begin_ms - self.end_ms) <= seam_ms


_OPENING = tuple(field.name for field in fields(Opening))


def to_bytes(page: Page) -> bytes:
    """For the journal."""
    accounts = dict(page.accounts)
    head = {
        "version": _VERSION,
        "begin_ms": page.begin_ms,
        "end_ms": page.end_ms,
        "step_ms": page.step_ms,
        "names": page.names,
        "asset_sums": ASSET_SUMS,
        "plant_sums": PLANT_SUMS,
        "opening": _OPENING,
        "accounts": list(accounts),
    }
    tables = [np.stack([*(getattr(page.opening, name) for name in _OPENING), page.stored_at_end_mwh])]
    for account in accounts.values():
        tables += [account.assets, account.plant]
    octets = b"".join(np.ascontiguousarray(table, dtype="<f8").tobytes() for table in tables)
    return zlib.compress(json.dumps(head).encode() + b"\n" + octets, 1)


def from_bytes(content: bytes) -> Page:
    """From the journal. Sums that another release did not keep are 0, columns it had beside ours are left out.

    Raises:
        ValueError, KeyError: not what `to_bytes` wrote.
    """
    try:
        line, _, octets = zlib.decompress(content).partition(b"\n")
    except zlib.error as error:
        raise ValueError(f"a page that is damaged ({error})") from None
    head = json.loads(line)
    if head["version"] != _VERSION:
        raise ValueError(f"a page of version {head['version']}")
    names = tuple(head["names"])
    numbers = np.frombuffer(octets, dtype="<f8").astype(np.float64)
    taken = _Taken(numbers)
    states = taken.table(len(head["opening"]) + 1, len(names))
    by_name = dict(zip(head["opening"], states, strict=False))
    accounts = {}
    for kind in head["accounts"]:
        assets = _rows(taken.table(len(head["asset_sums"]), len(names)), head["asset_sums"], ASSET_SUMS)
        plant = _rows(taken.table(len(head["plant_sums"]), 1), head["plant_sums"], PLANT_SUMS)[:, 0]
        accounts[str(kind)] = Account(assets, plant)
    opening = Opening(**{name: by_name.get(name, np.full(len(names), np.nan)) for name in _OPENING})
    return Page(head["begin_ms"], head["end_ms"], head["step_ms"], names, accounts, opening, states[-1])


class _Taken:
    """Numbers taken one table after another."""

    def __init__(self, numbers: Column) -> None:
        self._numbers = numbers
        self._at = 0

    def table(self, rows: int, columns: int) -> NDArray[np.float64]:
        part = self._numbers[self._at : self._at + rows * columns]
        if len(part) != rows * columns:
            raise ValueError("a page that ends early")
        self._at += rows * columns
        return part.reshape(rows, columns)


def _rows(table: NDArray[np.float64], had: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float64]:
    place = {name: row for row, name in enumerate(had)}
    blank = np.zeros(table.shape[1])
    return np.stack([table[place[name]] if name in place else blank for name in wanted])


def total(pages: Iterable[Page], kind: str) -> tuple[tuple[str, ...], Account]:
    """The pages' sum in one kind of account, and its assets in the order in which they came to the fleet."""
    chosen = [page for page in pages if kind in page.accounts]
    names = tuple(dict.fromkeys(name for page in chosen for name in page.names))
    place = {name: i for i, name in enumerate(names)}
    account = Account.blank(len(names))
    for page in chosen:
        one = page.accounts[kind]
        assets = np.zeros_like(account.assets)
        assets[:, [place[name] for name in page.names]] = one.assets
        account = account.plus(assets, one.plant)
    return names, account


def gaps(pages: Iterable[Page], since_ms: int, until_ms: int) -> list[tuple[int, int]]:
    """The times within ``since_ms`` to ``until_ms`` that no page covers, in their order."""
    found, at = [], since_ms
    for page in sorted(pages, key=lambda one: one.begin_ms):
        if page.begin_ms - at > _LEAST_GAP_MS:
            found.append((at, min(page.begin_ms, until_ms)))
        at = max(at, page.end_ms)
        if at >= until_ms:
            break
    if until_ms - at > _LEAST_GAP_MS:
        found.append((at, until_ms))
    return [(begin, end) for begin, end in found if begin < end]


def written_on(page: Page, end_ms: int, accounts: Mapping[str, Account], stored_mwh: Column) -> Page:
    """The page after one period more, with its stores as they are then; what is not known keeps its last value."""
    stored = np.where(np.isnan(stored_mwh), page.stored_at_end_mwh, stored_mwh)
    return replace(page, end_ms=end_ms, accounts=accounts, stored_at_end_mwh=stored)
