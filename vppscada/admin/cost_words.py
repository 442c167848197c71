"""The answers of ``vppscada cost`` as lines for people."""

import math
from collections.abc import Sequence

from vppscada.admin.cost_question import Question
from vppscada.admin.quantities import time_words
from vppscada.model.assets import AssetFamily
from vppscada.model.offers import Units
from vppscada.plant.cost_curve import CostCurve
from vppscada.scheduling.meeting import Meeting

_UNITS = {Units.ON: "with the units that are on", Units.FREE: "units may be started and stopped"}
_SAME_MW = 1e-6
_SAME_MONEY = 0.005


def head_lines(asked: Question) -> list[str]:
    """What the answers hold for."""
    moment = asked.moment
    head = [
        f"{moment.site.plant.name} at {time_words(moment.plant_ms)}, {moment.source}",
        f"held for {asked.offers.hours:g} h; {_UNITS[asked.units]}; {_worth_words(asked)}",
    ]
    if asked.unserved_mwh > _SAME_MW:
        head.append(f"that schedule leaves {asked.unserved_mwh:.2f} MWh unserved, which is what stored energy is for")
    return [*head, ""]


def _worth_words(asked: Question) -> str:
    if not asked.storing.any():
        return "no storage"
    of = asked.worth[asked.storing]
    low, high = float(of.min()), float(of.max())
    span = f"{low:.2f}" if high - low < _SAME_MONEY else f"{low:.2f} to {high:.2f}"
    how = "as told" if asked.worth_told else "by the schedule from here on"
    return f"energy in store is worth {span} {asked.moment.site.plant.currency}/MWh ({how})"


def curve_lines(asked: Question, whole: CostCurve, shown: CostCurve) -> list[str]:
    """The break points that are shown, and what the plant can hold."""
    currency = asked.moment.site.plant.currency
    lines = [f"{'MW':>10} {currency + '/h':>12} {currency + '/MWh':>12}"]
    rows = zip(shown.power_mw, shown.cost_per_h, shown.marginal_per_mwh, strict=True)
    lines += [f"{power:10.3f} {_money(cost):>12} {_money(slope):>12}" for power, cost, slope in rows]
    span = f"{whole.power_mw[0]:.3f} to {whole.power_mw[-1]:.3f} MW"
    lines += ["", f"it can hold {span}; {currency}/MWh is that of the next MWh from there on"]
    if asked.units is Units.FREE and asked.offers.optional.any():
        lines.append("a unit that may be off counts by its average cost up to where that is least, start and all:")
        lines.append("whole units can cost more in between, which --target tells")
    return lines


def one_lines(asked: Question, met: Meeting) -> list[str]:
    """All about one target."""
    currency = asked.moment.site.plant.currency
    (less, more), split, paid = asked.marginal(met), asked.split(met), asked.revenue_per_h(met)
    stored = f"worth of the energy {'out of' if split.stored >= 0.0 else 'into'} stores"
    parts = [(split.spent, "spent on fuel, running hours, maintenance and wear")]
    parts += [(value, why) for value, why in ((split.stored, stored), (split.curtailed, "curtailment"))]
    lines = [
        f"{met.target_mw:g} MW: {met_words(met)}",
        f"  cost      {_money(float(met.cost_per_h.sum())):>12} {currency}/h",
        *(f"    {_money(value):>12} {why}" for value, why in parts if abs(value) >= _SAME_MONEY),
        f"  starts    {_money(float(met.starts.sum())):>12} {currency}",
        f"  in all    {_money(met.total):>12} {currency} for {met.hours:g} h",
        f"  marginal  {_money(more):>12} {currency}/MWh for one more, {_money(less)} for one less",
    ]
    if not math.isnan(paid):
        at = f"{currency}/h at {asked.price:.2f} {currency}/MWh"
        lines.append(f"  revenue   {_money(paid):>12} {at}, {_money(paid * met.hours)} {currency} for {met.hours:g} h")
    lines += ["", f"  {'asset':20} {'MW':>9} {currency + '/h':>10}"]
    for i, asset in enumerate(asked.moment.site.fleet.assets):
        cost, power = _money(float(met.cost_per_h[i])), met.power_mw[i] + 0.0
        lines.append(f"  {asset.name:20} {power:9.3f} {cost:>10}  {asset_words(asked, met, i)}")
    return lines


def many_lines(asked: Question, met: Sequence[Meeting]) -> list[str]:
    """A line for each of several targets."""
    currency = asked.moment.site.plant.currency
    per_h, per_mwh = f"{currency}/h", f"next {currency}/MWh"
    lines = [f"{'MW':>10} {per_h:>12} {'starts':>10} {'in all':>12} {per_mwh:>14} {'revenue/h':>12}"]
    for one in met:
        _, more = asked.marginal(one)
        money = f"{_money(float(one.cost_per_h.sum())):>12} {_money(float(one.starts.sum())):>10}"
        paid = _money(asked.revenue_per_h(one))
        missed = "" if is_met(one) else f"  {met_words(one)}"
        line = f"{one.target_mw:10.3f} {money} {_money(one.total):>12} {_money(more):>14} {paid:>12}"
        lines.append(line + missed)
    return lines


def is_met(met: Meeting) -> bool:
    """The target is given, no more and no less."""
    return not met.unserved_mw and not met.surplus_mw


def met_words(met: Meeting) -> str:
    """Whether a target is met, and by how much it is not."""
    if met.unserved_mw:
        return f"not met, {met.unserved_mw:.3f} MW cannot be given"
    return f"not met, {met.surplus_mw:.3f} MW too much cannot be lowered" if met.surplus_mw else "met"


def asset_words(asked: Question, met: Meeting, i: int) -> str:
    """What one asset does for it."""
    offered, asset = asked.offers, asked.moment.site.fleet.assets[i]
    thermal = asset.kind.family is AssetFamily.THERMAL
    if not asked.moment.states.usable[i]:
        return "not usable: goes on with what it does" if met.power_mw[i] else "not usable"
    if thermal and not (met.given[i] and (offered.on[i] or offered.optional[i])):
        if offered.optional[i]:
            return "stopped: to go on does not pay" if offered.on[i] else "off: its start does not pay"
        return "off" if asked.units is Units.ON else "off, and not to be started in this time"
    started = f"started for {met.starts[i]:.2f}; " if thermal and not offered.on[i] else ""
    return started + _place(asked, met, i)


def _place(asked: Question, met: Meeting, i: int) -> str:
    low, high, power = asked.offers.low_mw[i] + 0.0, asked.offers.high_mw[i] + 0.0, met.power_mw[i]
    if high - low < _SAME_MW:
        return "no room to move"
    if power < low + _SAME_MW:
        return f"at the least that it can hold, of {low:.3f} to {high:.3f}"
    if power > high - _SAME_MW:
        return f"at the most that it can hold, of {low:.3f} to {high:.3f}"
    return f"between {low:.3f} and {high:.3f}"


def _money(value: float) -> str:
    return "-" if math.isnan(value) else f"{round(value, 2) + 0.0:.2f}"
