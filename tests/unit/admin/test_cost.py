"""What ``vppscada cost`` answers, and what it refuses."""

import csv
import io
import json
from typing import Any

import pytest

from vppscada.admin.command_line import main

NOON = ["--at", "2024-07-01T12:00", "--worth", "60"]


def asked(capsys: pytest.CaptureFixture[str], *options: str, status: int = 0) -> str:
    assert main(["cost", "demo", *options]) == status
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *options: str, status: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(asked(capsys, *options, "--json", status=status))
    return answer


def test_a_target_is_shared_among_the_assets_and_its_money_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = as_json(capsys, "--target", "12MW", *NOON)["targets"]
    assert sum(asset["power_mw"] for asset in one["assets"]) == pytest.approx(12.0)
    assert sum(asset["cost_per_h"] for asset in one["assets"]) == pytest.approx(one["cost_per_h"])
    assert one["spent_per_h"] + one["stored_per_h"] + one["curtailed_per_h"] == pytest.approx(one["cost_per_h"])
    assert one["cost"] == pytest.approx(one["cost_per_h"] + one["start_cost"])
    assert one["start_cost"] == sum(asset["start_cost"] for asset in one["assets"]) > 0.0
    assert one["unserved_mw"] == one["surplus_mw"] == 0.0


def test_the_marginal_cost_is_what_the_next_mwh_costs(capsys: pytest.CaptureFixture[str]) -> None:
    here, further = as_json(capsys, "--target", "8,8.001", "--on", "all", "--units", "on", *NOON)["targets"]
    assert (further["cost_per_h"] - here["cost_per_h"]) / 0.001 == pytest.approx(here["marginal_more_per_mwh"])


def test_units_of_power_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    targets = as_json(capsys, "--target", "2500kW,2.5", "--target", "0.0025GW", *NOON)["targets"]
    assert [one["target_mw"] for one in targets] == pytest.approx([2.5] * 3)
    assert len({round(one["cost"], 6) for one in targets}) == 1


def test_a_target_below_zero_needs_no_special_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, "--target", "-2MW", *NOON)["targets"][0]["target_mw"] == -2.0


def test_a_range_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(capsys, "--target", "0:10:2.5MW", "--csv", *NOON))))
    assert [float(row["target_mw"]) for row in rows] == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert "next EUR/MWh" in asked(capsys, "--target", "0:2:1", *NOON)


def test_what_cannot_be_given_is_told_and_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    midnight = ["--at", "2024-07-01T00:00", "--worth", "60"]
    assert "MW cannot be given" in asked(capsys, "--target", "30MW", *midnight, status=3)
    (one,) = as_json(capsys, "--target", "30MW", *midnight, status=3)["targets"]
    assert one["unserved_mw"] == pytest.approx(30.0 - sum(asset["power_mw"] for asset in one["assets"]))
    (low,) = as_json(capsys, "--target", "-7MW", *midnight, status=3)["targets"]
    assert low["surplus_mw"] > 0.0


def test_emergency_generators_count_only_with_permission(capsys: pytest.CaptureFixture[str]) -> None:
    words = {
        permitted: next(
            one["words"]
            for one in as_json(capsys, "--target", "30MW", *permitted, *NOON, status=3)["targets"][0]["assets"]
            if one["asset"] == "emergency1"
        )
        for permitted in ((), ("--emergency",))
    }
    assert words[()] == "off, and not to be started in this time"
    assert words["--emergency",].startswith("started for 40.00")


def test_the_curve_is_the_cost_of_its_targets(capsys: pytest.CaptureFixture[str]) -> None:
    on = ("--units", "on", "--on", "engine1=6MW", *NOON)
    curve = as_json(capsys, "--curve", *on)["curve"]
    places = curve[1:4]
    targets = ",".join(f"{one['power_mw']:.9f}" for one in places)
    met = as_json(capsys, "--target", targets, *on)["targets"]
    assert [one["cost_per_h"] for one in met] == pytest.approx([one["cost_per_h"] for one in places], abs=1e-5)


def test_the_curve_as_a_table_has_no_more_points_than_asked(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(capsys, "--curve", "--csv", "--points", "4", *NOON))))
    assert len(rows) == 4
    assert "it can hold" in asked(capsys, "--curve", *NOON)


def test_without_a_worth_the_schedule_says_what_stored_energy_is_worth(capsys: pytest.CaptureFixture[str]) -> None:
    told = as_json(capsys, "--target", "5MW", "--at", "2024-07-02T09:00", "--set", "schedule.horizon_s=14400.0")
    assert set(told["stored_worth_per_mwh"]) == {"battery1", "flywheel1", "smes1"}
    assert told["stored_worth_per_mwh"]["battery1"] > 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "50MW"], "50 MW is beyond the plant"),
        (["--target", "-9MW"], "beyond the plant"),
        (["--target", "5", "--at", "2031-01-01"], "is from 2024-07-01 00:00 UTC to"),
        (["--target", "5", "--on", "engine"], "did you mean 'engine1'?"),
        (["--target", "5", "--soc", "engine1=50"], "expected one of battery1"),
        (["--target", "5", "--state", "nowhere"], "no running station"),
        (["--target", "5", "--state", "nowhere", "--soc", "40"], "--soc is for a plant that does not run"),
        (["--target", "5", "--state", "nowhere", "--at", "2024-07-01"], "--at is for a plant that does not run"),
    ],
)
def test_what_has_no_answer_is_refused_in_words(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", "demo", *options]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "one of the arguments --target --curve is required"),
        (["--target", "5bananas"], "'bananas' is no unit of power"),
        (["--target", "5MWh"], "'MWh' is no unit of power"),
        (["--target", "nan"], "no power"),
        (["--target", "0:5"], "FROM:TO:STEP"),
        (["--target", "5:0:1"], "range that rises"),
        (["--target", "0:1:1e-9"], "too many targets"),
        (["--target", "0:1MW:500kW"], "with the last number only, or with each"),
        (["--target", "5", "--hours", "0"], "not a number above 0"),
        (["--target", "5", "--soc", "101"], "no state of charge"),
        (["--target", "5", "--at", "noon"], "no time"),
        (["--target", "5", "--worth", "nan"], "no price"),
        (["--curve", "--points", "1"], "no number of break points"),
    ],
)
def test_nonsense_is_wrong_use(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cost", "demo", *options])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
