"""``[[product]]`` tables of a site file."""

import pytest

from tests.unit.maps.fakes import Files
from vppscada.maps.difference import difference, told
from vppscada.maps.snapshot import read_snapshot, snapshot, write_snapshot
from vppscada.maps.summary import summarise
from vppscada.model.site import ProductSpec

TABLE = """\
[[product]]
name = "regulation_up"
direction = "up"
response_min = 5
sustain_h = 0.25
required_mw = 0.5
required = "load"
price_per_mw_h = 6
offered_mw = 1
assets = ["battery1", "engine1"]

"""


def with_table(files: Files, table: str = TABLE) -> Files:
    files.change("site.toml", "[[ems]]\n", f"{table}[[ems]]\n")
    return files


def test_it_is_read_and_shown(files: Files) -> None:
    site = with_table(files).load()
    wanted = ProductSpec("regulation_up", "up", 5.0, 0.25, 0.5, "load", 1.0, 6.0, assets=("battery1", "engine1"))
    assert site.products == (wanted,)
    page = summarise(site)
    assert (
        "1 product" in page and "5 min for 0.25 h" in page and "0.5 MW + load" in page and "battery1, engine1" in page
    )


def test_a_change_of_it_is_told_and_it_is_kept_with_the_site(files: Files) -> None:
    before = snapshot(files.load())
    after = snapshot(with_table(files).load())
    write_snapshot(after, files.folder)
    assert read_snapshot(files.folder) == after
    assert any(line.startswith("product regulation_up added") for line in told(difference(before, after), 2))
    files.change("site.toml", "offered_mw = 1", "offered_mw = 2")
    lines = list(told(difference(after, snapshot(files.load())), 2))
    assert lines[0] == "product regulation_up changed: offered_mw 1 → 2"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"up"', '"upp"', "direction = 'upp'; expected one of up, down"),
        ("response_min = 5", "response_min = 0", "response_min = 0; expected a number above 0 min up to 1440"),
        ("sustain_h = 0.25\n", "", "no sustain_h; expected sustain_h = …"),
        ('"load"', '"laod"', "required 'laod', which is no data source of this site; expected load (did you mean"),
        ('["battery1",', '["batery1",', "asset 'batery1', which this site has not; expected one of battery1, engine1"),
        ("offered_mw = 1", "off_line = true\noffered = 1", "unknown key 'offered'"),
        ('"up"', '"down"\noff_line = true', "off_line = true downwards; expected false"),
        ("required_mw = 0.5", "required_mw = nan", "required_mw = nan; expected a number from 0 MW"),
    ],
)
def test_what_is_wrong_with_it_is_told_at_its_place(files: Files, old: str, new: str, words: str) -> None:
    assert TABLE.count(old) == 1
    assert words in with_table(files, TABLE.replace(old, new)).only_fault()


def test_one_that_cannot_promise_is_refused(files: Files) -> None:
    files.change("site.toml", 'kind = "reciprocating_engine"', 'kind = "emergency_generator"')
    faults = with_table(files).faults()
    assert any("asset 'engine1', kind emergency_generator, which can promise nothing" in fault for fault in faults)


def test_a_name_a_second_time_is_a_fault(files: Files) -> None:
    assert "name 'regulation_up' a second time" in with_table(files, TABLE * 2).only_fault()
