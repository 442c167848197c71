"""What ``vppscada schedule`` shows of a schedule made here."""

import json
from itertools import pairwise
from typing import Any

import pytest

from vppscada.admin.command_line import main
from vppscada.model.explanation import Reason

#: Four hours of the demo's second day, soon solved.
MORNING = ["--at", "2024-07-02T06:00", "--set", "schedule.horizon_s=14400.0", "--on", "engine1=5MW"]
ASSETS = 9


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["schedule", "demo", *MORNING, *options]) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(shown(capsys, *options, "--json"))
    return told


def test_a_schedule_is_a_line_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys).splitlines()
    steps = [line for line in lines if line.startswith("07-02")]
    assert len(steps) == 16
    assert steps[0].startswith("07-02 06:00") and steps[-1].startswith("07-02 09:45")
    assert all(name in "\n".join(lines) for name in ("target", "price", "marginal", "engine1", "SoC %"))


def test_in_data_it_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    told = as_json(capsys)
    assert (told["steps"], len(told["assets"]), told["next"]) == (16, ASSETS, None)
    for t in range(16):
        power = sum(one["power_mw"][t] for one in told["assets"])
        assert power == pytest.approx(told["power_mw"][t], abs=1e-4)
        given = power + told["unserved_mw"][t] - told["dump_mw"][t] + told["import_mw"][t] - told["export_mw"][t]
        assert given == pytest.approx(told["requirement_mw"][t], abs=1e-4)
    assert {reason.upper() for one in told["assets"] for reason in one["reason"]} <= {one.name for one in Reason}


def test_reasons_come_in_spans_that_follow_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--explain", "--asset", "battery1").splitlines()
    spans = [line.split("  ")[1] for line in lines if line.startswith("  07-02")]
    ends = [span.split(" - ") for span in spans]
    assert ends[0][0] == "07-02 06:00" and ends[-1][1] == "07-02 10:00"
    assert all(before[1] == after[0] for before, after in pairwise(ends))


def test_the_plant_is_explained_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, "--explain")
    assert "one more MW" in told and "less reserve" in told
    assert "no permission to run" in told  # the emergency generator


def test_one_moment_is_told_of_every_asset(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, "--explain", "--when", "2024-07-02T07:07")
    assert "07-02 07:00: " in told and "one more MW costs" in told
    assert sum(" MW  " in line for line in told.splitlines()) == ASSETS
    one = as_json(capsys, "--when", "2024-07-02T07:07", "--asset", "engine1")
    assert (one["step"], len(one["one_more_per_mwh"]), len(one["assets"])) == (4, 1, 1)


def test_limits_that_gave_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "demo", *MORNING[:-2], "--soc", "10", "--set", "schedule.reserve_mw=9.0"]) == 0
    told = capsys.readouterr().out
    assert "limits that had to give:" in told
    assert "reserve requirement" in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--asset", "engine"], "did you mean 'engine1'?"),
        (["--when", "2024-07-03T00:00"], "the schedule is from 2024-07-02 06:00 UTC to 2024-07-02 10:00 UTC"),
    ],
)
def test_what_it_has_not_is_refused_in_words(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", "demo", *MORNING, *options]) == 1
    assert words in capsys.readouterr().err
