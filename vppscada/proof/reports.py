"""The books of a time, day by day and asset by asset, beside what was planned. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from vppscada.plant.books import interval_of
from vppscada.plant.pages import REALISED, SCHEDULED, SHADOW, Page, gaps, total
from vppscada.proof.figures import Figures, asset_figures, plant_figures
from vppscada.proof.times import DAY_MS, day_of, utc

KINDS = (REALISED, SCHEDULED, SHADOW)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which nothing is known."""

    begin: str
    end: str
    hours: float


@dataclass(frozen=True, slots=True)
class Report:
    """One day, or all of them. ``plant`` and ``assets`` are by kind of account."""

    begin: str
    end: str
    covered_h: float
    gaps: tuple[Gap, ...]
    plant: dict[str, Figures]
    assets: dict[str, dict[str, Figures]]
    more: dict[str, object] = field(default_factory=dict)  # what others add: foresight

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        told = asdict(self)
        return {**{name: value for name, value in told.items() if name != "more"}, **told["more"]}


def report(pages: Sequence[Page], since_ms: int, until_ms: int, assets: Sequence[str] = ()) -> Report:
    """The books of the pages, whose times lie within ``since_ms`` to ``until_ms``; of some assets, or of all."""
    missing = tuple(Gap(utc(begin), utc(end), (end - begin) / 3.6e6) for begin, end in gaps(pages, since_ms, until_ms))
    plant: dict[str, Figures] = {}
    by_asset: dict[str, dict[str, Figures]] = {}
    for kind in KINDS:
        if not any(kind in page.accounts for page in pages):
            continue
        names, account = total(pages, kind)
        plant[kind] = plant_figures(account, measured=kind != SCHEDULED)
        for place, name in enumerate(names):
            if not assets or name in assets:
                by_asset.setdefault(name, {})[kind] = asset_figures(account, place, measured=kind != SCHEDULED)
    more: dict[str, object] = (
        {"shadow_effect": shadow_effect(plant[REALISED], plant[SHADOW])} if SHADOW in plant else {}
    )
    covered = (until_ms - since_ms) / 3.6e6 - sum(gap.hours for gap in missing)
    return Report(utc(since_ms), utc(until_ms), covered, missing, plant, by_asset, more)


_EFFECTS = ("cost", "revenue", "out_mwh", "in_mwh", "stored_mwh", "starts", "emissions_t", "unserved_mwh")


def shadow_effect(realised: Figures, shadow: Figures) -> Figures:
    """What the plant in shadow would have done, less what was done: of the same time, where both are known.

    ``stored_mwh`` is energy that would be in the stores beside what is: it has its worth too, and no cost says so.
    """
    told: Figures = {name: _less(shadow.get(name), realised.get(name)) for name in _EFFECTS}
    cost, revenue = told["cost"], told["revenue"]
    told["net_cost"] = None if cost is None or revenue is None else cost - revenue
    told["hours"] = _less(shadow.get("hours"), 0.0)
    told["hours_without_shadow"] = _less(realised.get("hours"), shadow.get("hours"))
    return told


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def of_time(pages: Iterable[Page], since_ms: int, until_ms: int) -> list[Page]:
    """The pages of every interval that begins in that time."""
    return [page for page in pages if since_ms <= page.interval_ms < until_ms]


def by_day(pages: Iterable[Page], since_ms: int, until_ms: int) -> list[tuple[int, int, list[Page]]]:
    """Begin, end and pages of every day, or part of one, in that time."""
    chosen, days = of_time(pages, since_ms, until_ms), []
    at = since_ms
    while at < until_ms:
        end = min(at // DAY_MS * DAY_MS + DAY_MS, until_ms)
        days.append((at, end, of_time(chosen, at, end)))
        at = end
    return days


def rounded(since_ms: int, until_ms: int, pages: Sequence[Page]) -> tuple[int, int]:
    """The time widened to whole intervals: nothing smaller is kept."""
    if not pages:
        return since_ms, until_ms
    step = pages[-1].step_ms
    end = interval_of(until_ms, step)
    return interval_of(since_ms, step), until_ms if end == until_ms else end + step


def day_name(begin_ms: int) -> str:
    """The day that a report of `by_day` is of."""
    return day_of(begin_ms)
