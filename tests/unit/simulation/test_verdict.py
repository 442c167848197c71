"""What the demo says of itself, on samples made by hand."""

import json
from typing import Any

import numpy as np
import pytest

from vppscada.simulation.samples import Samples
from vppscada.simulation.verdict import Conditions, faults_found, judge_tracking, summarise

NAMES = (
    "wall_s", "plant_s", "target", "plant.active_power", "doubtful_power", "plant.sessions_online", "plant.schedule_ok",
    "plant.energy", "plant.cost", "plant.revenue", "plant.unserved_energy", "plant.starts", "plant.commands",
    "plant.commands_failed",
)  # fmt: skip
CONDITIONS = Conditions(sessions=9, rating_mw=40.0, settle_s=2.0, start_up_s=3.0, speed=120.0, duration_s=30.0)
COUNTS = {"events": 100, "commands_accepted": 4}


def samples(**changed: Any) -> Samples:
    made = Samples(NAMES)
    for i in range(120):
        values = {
            "wall_s": 0.25 * i,
            "plant_s": 30.0 * i,
            "target": 10.0,
            "plant.active_power": 10.1,
            "doubtful_power": float("nan"),
            "plant.sessions_online": 9.0,
            "plant.schedule_ok": 1.0,
            "plant.energy": 0.08 * i,
        } | {name: value(i) if callable(value) else value for name, value in changed.items()}
        made.append(np.array([values.get(name, 0.0) for name in NAMES]))
    return made


def reasons(seen: Samples, counts: dict[str, int] = COUNTS, deaths: tuple[str, ...] = ()) -> list[str]:
    return faults_found(seen, judge_tracking(seen, CONDITIONS), CONDITIONS, counts, deaths)


def test_a_plant_that_did_well_has_no_reasons() -> None:
    assert reasons(samples()) == []


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"plant.sessions_online": 8.0}, "8 came online"),
        ({"plant.sessions_online": float("nan")}, "none that the EMS knew of"),
        ({"plant.schedule_ok": 0.0}, "no schedule was ever"),
        ({"plant.schedule_ok": lambda i: float(i < 100)}, "no schedule was in force at the end"),
        ({"target": float("nan")}, "accepted no target"),
        ({"plant.active_power": 9.0}, "tracking error 2.50 %"),
        ({"plant.active_power": lambda i: float("nan") if i % 2 else 10.0}, "did not know the plant's power"),
    ],
)
def test_each_fault_has_its_reason_in_plain_words(changed: dict[str, Any], word: str) -> None:
    assert any(word in reason for reason in reasons(samples(**changed)))


def test_while_an_asset_is_out_of_sight_the_sum_of_the_others_is_judged_apart() -> None:
    away: dict[str, Any] = {"plant.active_power": lambda i: float("nan") if 60 < i < 90 else 10.0}
    assert reasons(samples(**away, doubtful_power=10.2)) == []
    assert any("out of sight" in reason for reason in reasons(samples(**away, doubtful_power=8.0)))
    seen = samples(**away, doubtful_power=10.2)
    summary = summarise(seen, judge_tracking(seen, CONDITIONS), CONDITIONS, COUNTS, [])
    assert summary["tracking_samples_doubtful"] == 29
    assert summary["tracking_error_doubtful_percent"] == pytest.approx(0.5)
    assert summary["tracking_samples_missing"] == 0


def test_no_events_and_dead_processes_are_reasons() -> None:
    assert any("no event" in reason for reason in reasons(samples(), {}))
    assert any("battery1" in reason for reason in reasons(samples(), deaths=("battery1 (status 1)",)))


def test_a_run_that_is_too_short_is_not_called_good() -> None:
    seen = samples(**{"plant.sessions_online": lambda i: 9.0 if i > 115 else 3.0})
    assert any("too short" in reason for reason in reasons(seen))


def test_the_summary_is_json_and_says_what_is_not_known() -> None:
    seen = samples(**{"plant.cost": float("nan")})
    found = judge_tracking(seen, CONDITIONS)
    summary = summarise(seen, found, CONDITIONS, COUNTS, ["why"])
    assert json.loads(json.dumps(summary)) == summary
    assert summary["tracking_error_percent"] == pytest.approx(0.25)
    assert summary["cost"] is None
    assert summary["sessions"] == 9
    assert summary["ems_events"] == 100
    assert summary["ok"] is False


def test_samples_keep_their_order_beyond_their_first_room() -> None:
    table = Samples(("a",))
    for i in range(5000):
        table.append(np.array([float(i)]))
    assert table.column("a").tolist() == list(range(5000))
    assert table.last("a") == table.most("a") == 4999.0
    assert np.isnan(table.last("b"))
