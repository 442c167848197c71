"""What ``vppscada books`` and ``vppscada evidence`` say where there is nothing to be said, and of wrong use."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from vppscada.admin.command_line import main
from vppscada.plant.books import ASSET_SUMS, PLANT_SUMS, Account
from vppscada.plant.pages import REALISED, Opening, Page, to_bytes
from vppscada.points.journal import Journal
from vppscada.points.journal_proof import Proof

DAY = 1_719_792_000_000  # 2024-07-01
HOUR = 3_600_000


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """The books of an hour of the example: the battery charged at 1 MW, the genset was out of sight for half of it."""
    names = ("battery", "genset")
    account = Account.blank(2)
    for name, values in (
        ("known_h", [1.0, 0.5]),
        ("unknown_h", [0.0, 0.5]),
        ("in_mwh", [1.0, 0.0]),
        ("out_mwh", [0.0, 1.5]),
        ("fuel_cost", [0.0, 120.0]),
    ):
        account.assets[ASSET_SUMS.index(name)] = values
    for name, value in (("hours", 1.0), ("known_h", 0.5), ("unknown_h", 0.5), ("target_h", 1.0), ("tracked_h", 0.5)):
        account.plant[PLANT_SUMS.index(name)] = value
    one = np.ones(2)
    page = Page(DAY + 6 * HOUR, DAY + 7 * HOUR, HOUR, names, {REALISED: account}, Opening(*[one] * 10), one)
    journal = Journal.open(tmp_path / "state", now_ms=lambda: DAY)
    await journal.keep({}, [Proof(journal.next_proof_id(), "book", page.begin_ms, page.end_ms, DAY, to_bytes(page))])
    journal.close()
    return tmp_path / "state"


def test_the_newest_day_is_told_with_its_gaps_and_what_is_unknown(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["books", "example", "--state", str(state)]) == 0
    told = capsys.readouterr().out
    assert "2024-07-01: 1.00 h in the books" in told
    assert "nothing is known from 2024-07-01T07:00:00Z to 2024-07-02T00:00:00Z (17.00 h)" in told
    assert "unknown" in told and "0.500 h" in told and "120.000 EUR" in told


def test_json_says_null_for_what_is_not_known(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["books", "example", "--state", str(state), "--json", "--asset", "genset"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["days"][0]["assets"].keys() == {"genset"}
    genset = told["days"][0]["assets"]["genset"]["realised"]
    assert (genset["known_h"], genset["unknown_h"], genset["cost"]) == (0.5, 0.5, 120.0)
    assert genset["error_rms_mw"] is None
    plant = told["days"][0]["plant"]["realised"]
    assert plant["unserved_unknown_h"] == 0.5 and plant["price_mean"] is None


def test_csv_has_a_line_for_each_asset_and_the_plant(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = ["--from", "2024-07-01T06:10:00Z", "--to", "2024-07-01T06:20:00Z"]  # rounded to the interval
    assert main(["books", "example", "--state", str(state), "--csv", *times]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["asset"], row["kind"], row["out_mwh"]) for row in rows] == [
        ("plant", "realised", "1.5"),
        ("battery", "realised", "0"),
        ("genset", "realised", "1.5"),
    ]


def test_a_time_without_books_is_all_gap(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["books", "example", "--state", str(state), "--day", "2024-07-03"]) == 1
    assert "(24.00 h)" in capsys.readouterr().out


TIMES = ["--from", "2024-07-01", "--to", "2024-07-02"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["books", "example", "--asset", "gensett"], "no asset gensett; the site has battery, genset"),
        (["books", "example", "--day", "yesterday"], "'yesterday' is no day"),
        (["books", "example", "--day", "2024-07-01", *TIMES], "--day does not go with"),
        (["books", "example", "--from", "2024-07-01"], "--from and --to go together"),
        (["books", "example", "--from", "2024-07-02", "--to", "2024-07-01"], "--to is not after --from"),
        (["books", "example", "--from", "noon", "--to", "2024-07-01"], "'noon' is no time"),
        (["evidence", "example", *TIMES], "--out is missing"),
        (["evidence", "--verify", "nowhere"], "nowhere"),
        (["evidence", "example", *TIMES, "--out", "x", "--exclude-day", "7"], "'7' is no day"),
    ],
)
def test_wrong_use_is_told_in_words(
    state: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main([*options, "--state", str(state)]) == 1
    assert words in capsys.readouterr().err


def test_a_state_directory_without_books_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Journal.open(tmp_path).close()
    assert main(["books", "example", "--state", str(tmp_path)]) == 1
    assert "no books" in capsys.readouterr().err
    assert main(["books", "example", "--state", str(tmp_path / "none")]) == 1
