"""What the demo showed, in figures, and whether the plant ran as it should. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vppscada.simulation.samples import Column, Samples
from vppscada.simulation.tracking import Tracking, tracking

LIMIT_PERCENT = 2.0
#: Of the samples that should count, this share may be unknown.
_MAY_MISS = 0.05


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was to be shown."""

    sessions: int
    rating_mw: float
    settle_s: float  # wall seconds
    start_up_s: float  # wall seconds after everything was up
    speed: float
    duration_s: float


def judged_from_s(samples: Samples, conditions: Conditions) -> float:
    """When judging begins: the start-up time after every session was online and a schedule covered the moment."""
    up = (samples.column("plant.sessions_online") >= conditions.sessions) & (samples.column("plant.schedule_ok") == 1.0)
    up &= ~np.isnan(samples.column("target"))
    first = np.flatnonzero(up)
    return float(samples.column("wall_s")[first[0]]) + conditions.start_up_s if len(first) else float("nan")


def judge_tracking(samples: Samples, conditions: Conditions) -> Tracking:
    """How well the plant followed, from what the EMS saw in good quality."""
    return _judge(samples, samples.column("plant.active_power"), conditions)


def judge_doubtful(samples: Samples, conditions: Conditions) -> Tracking:
    """The same for the samples of doubtful quality: an asset was out of sight, the power is the sum of the others."""
    fit = samples.column("plant.active_power")
    return _judge(samples, np.where(np.isnan(fit), samples.column("doubtful_power"), np.nan), conditions)


def _judge(samples: Samples, power_mw: Column, conditions: Conditions) -> Tracking:
    return tracking(
        samples.column("wall_s"),
        samples.column("target"),
        power_mw,
        conditions.rating_mw,
        conditions.settle_s,
        judged_from_s(samples, conditions),
    )


def summarise(
    samples: Samples, found: Tracking, conditions: Conditions, counts: Mapping[str, int], reasons: Sequence[str]
) -> dict[str, object]:
    """The totals as they go into the summary file; None where a figure is not known."""
    doubtful = judge_doubtful(samples, conditions)
    names = {
        "energy_mwh": "plant.energy",
        "cost": "plant.cost",
        "revenue": "plant.revenue",
        "unserved_mwh": "plant.unserved_energy",
        "starts": "plant.starts",
        "commands": "plant.commands",
        "commands_failed": "plant.commands_failed",
        "sessions_online_at_end": "plant.sessions_online",
    }
    totals = {key: _known(samples.last(name)) for key, name in names.items()}
    return {
        "tracking_error_percent": _known(found.error_percent),
        "tracking_worst_percent": _known(found.worst_percent),
        "tracking_samples": found.samples,
        "tracking_error_doubtful_percent": _known(doubtful.error_percent),
        "tracking_samples_doubtful": doubtful.samples,
        "tracking_samples_missing": found.missing - doubtful.samples,
        **totals,
        "ems_events": counts.get("events", 0),
        "ems_commands_accepted": counts.get("commands_accepted", 0),
        "ems_commands_failed": counts.get("commands_failed", 0),
        "sessions": _known(samples.most("plant.sessions_online")),
        "sessions_configured": conditions.sessions,
        "plant_rating_mw": conditions.rating_mw,
        "settle_s": conditions.settle_s,
        "start_up_s": conditions.start_up_s,
        "duration_s": round(conditions.duration_s, 1),
        "speed": conditions.speed,
        "plant_hours": round(conditions.duration_s * conditions.speed / 3600.0, 2),
        "samples": len(samples),
        "reasons": list(reasons),
        "ok": not reasons,
    }


def faults_found(
    samples: Samples, found: Tracking, conditions: Conditions, counts: Mapping[str, int], deaths: Sequence[str]
) -> list[str]:
    """Every reason why the plant did not run as it should, in plain words; empty = it did."""
    reasons = [f"a process ended that should not have: {death}" for death in deaths]
    most = samples.most("plant.sessions_online")
    if not most >= conditions.sessions:
        seen = "none that the EMS knew of" if math.isnan(most) else f"{most:.0f}"
        reasons.append(f"of {conditions.sessions} sessions at most {seen} came online")
    if samples.most("plant.schedule_ok") != 1.0:
        reasons.append("no schedule was ever in force")
    elif samples.last("plant.schedule_ok") != 1.0:
        reasons.append("no schedule was in force at the end")
    if not counts.get("events", 0):
        reasons.append("the EMS received no event")
    if np.isnan(samples.column("target")).all():
        reasons.append("the plant accepted no target from the EMS")
    reasons.extend(_tracking_faults(found, judge_doubtful(samples, conditions)))
    return reasons


def _tracking_faults(found: Tracking, doubtful: Tracking) -> list[str]:
    if not found.samples:
        return ["it ran too short, or came up too late, to judge how it follows its target"]
    reasons = []
    if not found.error_percent < LIMIT_PERCENT:
        reasons.append(f"tracking error {found.error_percent:.2f} % of rating, not under {LIMIT_PERCENT:.0f} %")
    if doubtful.samples and not doubtful.error_percent < LIMIT_PERCENT:
        reasons.append(f"tracking error {doubtful.error_percent:.2f} % of rating while an asset was out of sight")
    missing = found.missing - doubtful.samples
    if missing > _MAY_MISS * (found.samples + found.missing):
        reasons.append(f"the EMS did not know the plant's power in {missing} samples")
    return reasons


def _known(value: float) -> float | int | None:
    if math.isnan(value):
        return None
    return int(value) if value == int(value) else round(value, 4)
