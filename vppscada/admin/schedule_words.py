"""A schedule as lines for people: a table of its steps, and the reasons for its powers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from vppscada.admin.quantities import time_words
from vppscada.model.assets import AssetFamily
from vppscada.model.explanation import WORDS, Reason
from vppscada.model.site import Site

Told = Mapping[str, Any]

#: More assets than these are shown as sums of their families, unless they are named.
_MOST_COLUMNS = 12
#: Reasons whose value is that of energy in store, not of power.
_OF_ENERGY = {Reason.SOC_FLOOR, Reason.SOC_CEILING, Reason.FINAL_ENERGY, Reason.RESERVE_ENERGY, Reason.CYCLES}
#: Reasons for a unit to be off; their value is its own cost per MWh less that of the plant's next MWh.
_OFF = {
    Reason.NOT_PERMITTED,
    Reason.PERMIT_HOURS,
    Reason.START_TIME,
    Reason.DOWN_TIME,
    Reason.NOT_WORTH_RUNNING,
}
_SAME_MONEY = 0.005


def span(told: Told) -> tuple[str, str]:
    """First moment and last."""
    first = int(told["start_ms"])
    return time_words(first), time_words(first + round(1000.0 * told["step_s"] * told["steps"]))


class Answer:
    """One schedule, as it is told, to be shown."""

    def __init__(self, site: Site, told: Told, source: str) -> None:
        self._site, self._told, self._source = site, told, source
        self._assets = {asset.name: asset for asset in site.fleet.assets}
        self._currency = site.plant.currency

    # the table

    def table(self, named: bool, only: int | None = None) -> list[str]:
        """A line a step: what is asked, the price, what each asset gives, state of charge, and what had to give."""
        told = self._told
        columns = self._columns(named)
        titles = "".join(f"{title[:12]:>13}" for title, _ in columns)
        lines = [*self._head(), f"{'time':<12} {'target':>9} {'price':>9} {'marginal':>9}{titles}"]
        steps = range(told["steps"]) if only is None else [only]
        for t in steps:
            cells = "".join(f"{values[t]:>13}" for _, values in columns)
            price, marginal = _money(told["price_per_mwh"][t]), _money(told["one_more_per_mwh"][t])
            gave = "; ".join(_slack_words(one) for one in told["slacks"] if one["step"] == t)
            line = f"{self._time(t):<12} {told['requirement_mw'][t]:9.3f} {price:>9} {marginal:>9}{cells}"
            lines.append(line + (f"  ! {gave}" if gave else ""))
        return [*lines, *self._gave_words()]

    def _columns(self, named: bool) -> list[tuple[str, list[str]]]:
        told = self._told["assets"]
        if len(told) > _MOST_COLUMNS and not named:
            return [self._sum(family) for family in AssetFamily]
        found: list[tuple[str, list[str]]] = []
        for one in told:
            found.append((one["asset"], [_power(power) for power in one["power_mw"]]))
            capacity = self._assets[one["asset"]].capacity_mwh
            if capacity > 0.0:
                found.append(("SoC %", [f"{100.0 * stored / capacity:.1f}" for stored in one["stored_mwh"]]))
        return found

    def _sum(self, family: AssetFamily) -> tuple[str, list[str]]:
        members = [one for one in self._told["assets"] if self._assets[one["asset"]].kind.family is family]
        sums = [sum(one["power_mw"][t] for one in members) for t in range(self._told["steps"])]
        return str(family), [_power(power) for power in sums]

    def _gave_words(self) -> list[str]:
        """What had to give, a line a limit."""
        slacks = sorted(self._told["slacks"], key=lambda one: (one["limit"], one["step"]))
        lines = []
        for limit, group in groupby(slacks, key=lambda one: str(one["limit"])):
            used = list(group)
            most = max(used, key=lambda one: float(one["amount"]))
            steps = f"{len(used)} step{'s' if len(used) > 1 else ''}"
            where = f"first {self._time(used[0]['step'])}, most {most['amount']:.3g} {most['units']}"
            lines.append(f"  {limit}: {steps}, {where} at {self._time(most['step'])}")
        return ["", "limits that had to give:", *lines] if lines else []

    # the reasons

    def reasons(self, named: bool) -> list[str]:
        """What the next MW and the reserve are worth step by step, then each asset in spans of one reason."""
        lines = self._head()
        if not named:
            titles = f"{'time':<12} {'target MW':>10} {'one more MW':>12} {'less reserve':>13}"
            lines.append(f"{titles}  ({self._currency}/MWh)")
            lines += [self._plant_line(t) for t in range(self._told["steps"])]
            lines.append("")
        for one in self._told["assets"]:
            lines += [one["asset"], *self._spans(one), ""]
        return [*lines[:-1], *self._gave_words()]

    def moment(self, t: int) -> list[str]:
        """All about one step."""
        told, currency = self._told, self._currency
        lines = [*self._head(), f"{self._time(t)}: {told['requirement_mw'][t]:.3f} MW"]
        lines.append(f"  one more MW costs {_money(told['one_more_per_mwh'][t])} {currency}/MWh")
        saved = _money(told["reserve_value_per_mwh"][t])
        lines.append(f"  one MW less of reserve saves {saved} {currency}/MWh; {told['reserve_mw'][t]:.3f} MW are held")
        lines += [f"  {_slack_words(one)}" for one in told["slacks"] if one["step"] == t]
        lines += self._limit_lines(t)
        lines.append("")
        for one in told["assets"]:
            why = self._why(_reason(one, t), [one["value_per_mwh"][t]])
            lines.append(f"  {one['asset']:20} {one['power_mw'][t]:9.3f} MW  {why}")
        return lines

    def _limit_lines(self, t: int) -> Iterator[str]:
        for one in self._told["limits"]:
            if (value := one["value_per_mwh"][t] or 0.0) >= _SAME_MONEY:
                yield f"  one MW more of the limit {one['limit']} saves {_money(value)} {self._currency}/MWh"

    def _plant_line(self, t: int) -> str:
        told = self._told
        more, saved = _money(told["one_more_per_mwh"][t]), _money(told["reserve_value_per_mwh"][t])
        gave = "; ".join(_slack_words(one) for one in told["slacks"] if one["step"] == t)
        line = f"{self._time(t):<12} {told['requirement_mw'][t]:10.3f} {more:>12} {saved:>13}"
        return line + (f"  ! {gave}" if gave else "")

    def _spans(self, one: Told) -> Iterator[str]:
        for reason, group in groupby(range(self._told["steps"]), key=lambda t: _reason(one, t)):
            steps = list(group)
            powers = [one["power_mw"][t] for t in steps]
            low, high = _power(min(powers)), _power(max(powers))
            power = low if low == high else f"{low} to {high}"
            why = self._why(reason, [one["value_per_mwh"][t] for t in steps])
            yield f"  {self._time(steps[0])} - {self._time(steps[-1] + 1)}  {power:>18} MW  {why}"

    def _why(self, reason: Reason, values: Sequence[float | None]) -> str:
        known = [value for value in values if value is not None]
        if not known or max(abs(value) for value in known) < _SAME_MONEY:
            return WORDS[reason]
        low, high = min(known), max(known)
        if reason in _OFF:
            return f"{WORDS[reason]} ({self._against_price(low, high)})"
        per = f"{self._currency}/MWh" + (" stored" if reason in _OF_ENERGY else "")
        return f"{WORDS[reason]} ({_between(low, high)} {per})"

    def _against_price(self, low: float, high: float) -> str:
        unit = f"{self._currency}/MWh"
        if low >= 0.0:
            return f"{_between(low, high)} {unit} dearer than the plant's next MWh, without its start"
        if high <= 0.0:
            return f"{_between(-high, -low)} {unit} cheaper than the plant's next MWh, without its start"
        return f"{_money(-low)} cheaper to {_money(high)} {unit} dearer than the plant's next MWh, without its start"

    # both

    def _head(self) -> list[str]:
        told, (first, last) = self._told, span(self._told)
        gap = "" if told["gap"] is None else f", proven within {100.0 * told['gap']:.2f} % of the best"
        money = f"cost {_money(told['cost'])} {self._currency}, revenue {_money(told['revenue'])} {self._currency}"
        return [
            f"{self._site.plant.name}: schedule from {first} to {last}, {self._source}",
            f"{told['steps']} steps of {told['step_s'] / 60.0:g} min; {told['status']}{gap}; {money}",
            "",
        ]

    def _time(self, step: int) -> str:
        ms = self._told["start_ms"] + 1000.0 * self._told["step_s"] * step
        return f"{datetime.fromtimestamp(ms / 1000.0, UTC):%m-%d %H:%M}"


def _reason(one: Told, step: int) -> Reason:
    return Reason[str(one["reason"][step]).upper()]


def _slack_words(one: Told) -> str:
    return f"{one['limit']} gave {one['amount']:.3g} {one['units']}"


def _between(low: float, high: float) -> str:
    return _money(low) if high - low < _SAME_MONEY else f"{_money(low)} to {_money(high)}"


def _power(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"


def _money(value: float | None) -> str:
    return "-" if value is None else f"{round(value, 2) + 0.0:.2f}"
