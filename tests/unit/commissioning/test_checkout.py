"""The point-to-point checkout: what agrees, what fails, and what nobody may sign."""

import csv
import io
import math
from pathlib import Path

import pytest

from vppscada.commissioning.checkout import Entry, Verdict, agrees, is_complete, judge, latest, tally
from vppscada.commissioning.sheet import Record, csv_sheet, html_sheet
from vppscada.commissioning.values import PointValue
from vppscada.model.errors import VppscadaError
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, TimeQuality

POWER = Point("g.power", PointKind.ANALOG_INPUT, units="MW", deadband=0.002)
BREAKER = Point("g.breaker", PointKind.BINARY_INPUT, state_names=("open", "closed"))
MAKER = Point("g.maker", PointKind.STRING)


def seen(point: Point, value: float = math.nan, text: str = "", quality: Quality = Quality.ONLINE) -> PointValue:
    return PointValue(point, value, text, quality, 0, TimeQuality.NONE)


@pytest.mark.parametrize(
    ("point", "text", "value", "same"),
    [
        (POWER, "1.5", 1.5, True),
        (POWER, "1.507", 1.5, True),  # within half a percent
        (POWER, "1.51", 1.5, False),
        (POWER, "0.0019", 0.0, True),  # within the deadband
        (POWER, "0.003", 0.0, False),
        (POWER, "-1.5", 1.5, False),
        (POWER, "about one", 1.0, False),
        (POWER, "nan", math.nan, False),
        (BREAKER, "closed", 1.0, True),
        (BREAKER, "Closed", 1.0, True),
        (BREAKER, "1", 1.0, True),
        (BREAKER, "open", 1.0, False),
        (BREAKER, "0", 1.0, False),
    ],
)
def test_a_value_that_somebody_read_agrees_or_not(point: Point, text: str, value: float, same: bool) -> None:
    assert agrees(point, text, seen(point, value)) is same


def test_texts_agree_letter_by_letter() -> None:
    assert agrees(MAKER, "Acme", seen(MAKER, text="Acme"))
    assert not agrees(MAKER, "acme", seen(MAKER, text="Acme"))


def test_bad_quality_fails_whatever_the_values_say() -> None:
    verdict, why = judge(POWER, "1", seen(POWER, 1.0, quality=Quality.ONLINE | Quality.STALE), "1", exported=True)
    assert (verdict, why) == (Verdict.FAILED, "quality ONLINE STALE")


def test_what_nobody_looked_at_has_not_passed() -> None:
    assert judge(POWER, "", seen(POWER, 1.0), "1", exported=True)[0] is Verdict.INCOMPLETE
    assert judge(POWER, "1", seen(POWER, 1.0), "", exported=True)[0] is Verdict.INCOMPLETE
    assert judge(POWER, "1", seen(POWER, 1.0), "", exported=False)[0] is Verdict.PASSED


def test_device_and_ems_must_both_agree() -> None:
    assert judge(POWER, "1", seen(POWER, 1.0), "1", exported=True)[0] is Verdict.PASSED
    verdict, why = judge(POWER, "1", seen(POWER, 1.0), "1000", exported=True)
    assert (verdict, why) == (Verdict.FAILED, "EMS says 1000, the gateway 1")


def entry(point: str, verdict: Verdict, device: str = "1") -> Entry:
    return Entry(point, device, "1", "ONLINE", "", verdict, "", "ann", 1_700_000_000_000)


def test_a_sheet_is_complete_only_when_every_point_passed_or_was_left_out() -> None:
    names = ["a", "b", "c"]
    entries = latest([entry("a", Verdict.FAILED), entry("a", Verdict.PASSED), entry("b", Verdict.SKIPPED)])
    assert not is_complete(names, entries)
    assert tally(names, entries) == {"passed": 1, "failed": 0, "incomplete": 0, "skipped": 1, "open": 1}
    assert is_complete(names, entries | {"c": entry("c", Verdict.PASSED)})
    assert not is_complete(names, entries | {"c": entry("c", Verdict.INCOMPLETE)})


def test_entries_are_kept_and_read_back_in_their_order(tmp_path: Path) -> None:
    record = Record(tmp_path / "c.jsonl")
    assert record.entries() == []
    wanted = [entry("a", Verdict.FAILED, "ü"), entry("a", Verdict.PASSED)]
    for one in wanted:
        record.add(one)
    assert Record(tmp_path / "c.jsonl").entries() == wanted


def test_a_damaged_record_is_told_with_its_line(tmp_path: Path) -> None:
    record = Record(tmp_path / "c.jsonl")
    record.add(entry("a", Verdict.PASSED))
    with (tmp_path / "c.jsonl").open("a") as file:
        file.write('{"point": "b"\n')
    with pytest.raises(VppscadaError, match=r"c\.jsonl:2: no entry"):
        record.entries()


def test_the_sheets_show_every_point_and_escape_what_was_typed() -> None:
    entries = {"g.power": entry("g.power", Verdict.PASSED, "<b>1</b>")}
    rows = list(csv.DictReader(io.StringIO(csv_sheet([POWER, BREAKER], entries))))
    assert [(row["point"], row["verdict"]) for row in rows] == [("g.power", "passed"), ("g.breaker", "open")]
    assert rows[0]["at"] == "2023-11-14T22:13:20Z"
    html = html_sheet("Plant", "g", [POWER, BREAKER], entries, 0)
    assert "<b>1</b>" not in html
    assert "&lt;b&gt;1" in html
    assert "not to be signed" in html
    done = html_sheet("Plant", "g", [POWER], entries, 0)
    assert "not to be signed" not in done
    assert "Control room" in done
