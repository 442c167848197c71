"""Every fault of a site file, each at its key."""

from pathlib import Path

import pytest

from tests.unit.maps.fakes import DRIVERS, SITE, Files
from vppscada.maps import load_site
from vppscada.maps.document import read_document
from vppscada.maps.site_assets import ALL
from vppscada.maps.site_data import READERS as DATA_READERS
from vppscada.maps.site_limits import READERS as LIMIT_READERS
from vppscada.maps.site_products import READERS as PRODUCT_READERS
from vppscada.maps.toml_site import PLANT_READERS, SCHEDULE_READERS
from vppscada.model.assets import Asset
from vppscada.model.errors import ConfigError
from vppscada.model.limits import Limit
from vppscada.model.site import DataSource, PlantSpec, ProductSpec, ScheduleSpec


def place_of(text: str, within: str = SITE) -> str:
    """Line and column of a text that occurs once in the site file."""
    assert within.count(text) == 1, text
    at = within.index(text)
    return f"{within.count(chr(10), 0, at) + 1}:{at - within.rfind(chr(10), 0, at)}"


@pytest.mark.parametrize(
    ("old", "new", "at", "found", "expected"),
    [
        ('name = "Test plant"', "nam = 1", "nam = 1", "unknown key 'nam'", "did you mean 'name'?"),
        ('name = "Test plant"', 'name = "x"\nmode = "folow"', "mode", "mode = 'folow'", "did you mean 'follow'?"),
        ('name = "Test plant"', 'name = "x"\nenabled = 1', "enabled", "enabled = 1", "true or false"),
        ('name = "Test plant"', 'name = "x"\ntarget_mw = 99', "target_mw", "target_mw = 99", "-4 to 15 MW"),
        ('name = "Test plant"', 'name = "x"\nsettle_s = nan', "settle_s", "settle_s = nan", "a number from 0 s"),
        ('load = "load"', 'load = "lode"', 'load = "lode"', "load 'lode', which is no data source", "load"),
        ('load = "load"', 'load = ""\nhorizon_s = 1000', "horizon_s", "a horizon of 1000 s in steps of 900 s", "whole"),
        ('load = "load"', 'load = ""\nobjective = "cash"', "objective", "objective = 'cash'", "one of cost, revenue"),
        ('file = "load.csv"', 'file = "laod.csv"', "file", "file 'laod.csv', which does not exist", "that exists"),
        ('["mw"]', '["MW"]', "value_columns", "column 'MW', which load.csv has not", "one of time, mw"),
        ('["mw"]', "[]", "value_columns", "value_columns = []", "a list of texts"),
        ("step_s = 900", "step_s = 0", "step_s", "step_s = 0", "a number above 0 s"),
        ('"time"', '"tiem"', "time_column", "column 'tiem', which load.csv has not", "did you mean 'time'?"),
        ('time_column = "time"', "", "[[data]]", "neither time_column nor start", "one of them"),
        ('time_column = "time"', 'start = "2024"', "start", "start = '2024'", "without quotes"),
        ("port = 1\n", "port = 99999\n", "port = 99999", "port: 99999", "a port"),
        ("port = 1\n", "prot = 1\n", "prot = 1", "prot: unknown prot", "host, port"),
        ("port = 2\n", "port = 1\n", "port = 1\n\n[[asset]]", "the device of session 'one' (line 14)", "one session"),
        (
            'session = "two"',
            'session = "tow"',
            "session =",
            "session 'tow', which is no session",
            "did you mean 'two'?",
        ),
        ('"fake_battery.csv"', '"fake_batery.csv"', "map", "map 'fake_batery.csv', which does not exist", "beside"),
        ('"fake_battery.csv"', '"fake_engine.csv"', "map", "without state_of_charge or stored_energy", "which battery"),
        ('kind = "battery"', 'kind = "batery"', "kind", "kind = 'batery'", "did you mean 'battery'?"),
        ("rating_mw = 5.0", 'rating_mw = "5"', "rating_mw", "rating_mw = '5'", "a number above 0 MW"),
        ("rating_mw = 5.0", "rating_mw = -5.0", "rating_mw", "rating_mw = -5.0", "a number above 0 MW"),
        ("capacity_mwh = 10", "capacity_mwh = inf", "capacity_mwh", "capacity_mwh = inf", "a number above 0 MWh"),
        ("capacity_mwh = 10", "", '[[asset]]\nname = "battery1"', "no capacity_mwh", "capacity_mwh = …"),
        (
            "capacity_mwh = 10",
            "capacity_mwh = 1\nminimum_mw = 1",
            "minimum_mw",
            "for thermal assets",
            "a key that a battery has",
        ),
        (
            "capacity_mwh = 10",
            "capacity_mwh = 1\nsoc_minimum = 1.0",
            "soc_minimum",
            "soc_minimum 1 with soc_maximum 1",
            "below",
        ),
        (
            "capacity_mwh = 10",
            "capacity_mwh = 1\nsoc_final_minimum = 0.9\nsoc_maximum = 0.8",
            "soc_final",
            "= 0.9",
            "0 to 0.8",
        ),
        ("capacity_mwh = 10", "capacity_mwh = 1\ncharge_efficiency = 1.1", "charge_eff", "= 1.1", "up to 1"),
        ("minimum_mw = 3", "minimum_mw = 11", "minimum_mw", "minimum_mw = 11", "at most rating_mw, 10"),
        ("minimum_mw = 3", "minimum_mw = 2", "[3.0", "a curve from 3 MW", "at or below minimum_mw, 2"),
        ("fuel_price_per_mwh = 35\n", "", '[[asset]]\nname = "engine1"', "heat_rate without fuel_price", "fuel_price"),
        ("[[3.0, 8.0], [10.0, 24.0]]", "[[3, 8], [9, 24]]", "[9", "a curve up to 9 MW", "reaches rating_mw, 10"),
        (
            "[[3.0, 8.0], [10.0, 24.0]]",
            "[[3, 8], [5, 14], [10, 24]]",
            "[10",
            "2 MW of fuel per further MW after 3",
            "convex",
        ),
        ("[[3.0, 8.0], [10.0, 24.0]]", "[[3, 8], [3, 24]]", "[3, 24]", "[3, 24] after [3, 8]", "that rise"),
        (
            "[[3.0, 8.0], [10.0, 24.0]]",
            "[[3, 2], [10, 24]]",
            "[3, 2]",
            "2 MW of fuel for 3 MW",
            "at least as much fuel",
        ),
        ("[[3.0, 8.0], [10.0, 24.0]]", "[3, 8]", "heat_rate", "heat_rate = [3, 8]", "a list of pairs"),
        (
            "minimum_mw = 3",
            "minimum_mw = 3\nstart_costs = [[1, 5]]",
            "start_costs",
            "from 1 h",
            "a first pair at 0 hours",
        ),
        (
            "minimum_mw = 3",
            "minimum_mw = 3\nstart_costs = [[0, 5], [2, 1]]",
            "[2, 1]",
            "[2, 1] after [0, 5]",
            "do not fall",
        ),
        (
            'name = "engine1"',
            'name = "battery1"',
            'name = "battery1"\nkind = "rec',
            "a second time (line 27)",
            "of its own",
        ),
        ('name = "engine1"', 'name = "plant"', 'name = "plant"\nkind', "name 'plant'", "another name"),
        ('name = "engine1"', 'name = "a b"', 'name = "a b"', "name = 'a b'", "letters, digits"),
        ('map = "ems.csv"', 'map = "no.csv"', "map", "map 'no.csv', which does not exist", "beside the site file"),
        ('map = "ems.csv"', "", "[[ems]]", "no map", "the file name of a map"),
        (
            '[[ems]]\nname = "ems"\nprotocol = "fake"',
            '[[ems]]\nname = "ems"\nprotocol = "fack"',
            "protocol",
            "protocol = 'fack'",
            "fake (did you mean",
        ),
        ("[plant]", "[plnt]\n[plant]", "[plnt]", "unknown table or key 'plnt'", "did you mean 'plant'?"),
        ("[[ems]]", "[ems]", "[ems]", "ems that is not an array of tables", "tables [[ems]]"),
    ],
)
def test_a_faulty_key_is_told_with_its_place(  # the fault asked for must be among those that are told
    files: Files, old: str, new: str, at: str, found: str, expected: str
) -> None:
    assert SITE.count(old) == 1, old
    changed = SITE.replace(old, new)
    files.write("site.toml", changed)
    start = changed.index(new) if at in new else 0
    position = changed.find(at, start) if at in changed[start:] else changed.index(at)
    place = f"{changed.count(chr(10), 0, position) + 1}:{position - changed.rfind(chr(10), 0, position)}"
    told = [fault for fault in files.faults() if fault.startswith(f"site.toml:{place}: ")]
    assert any(found in one.split("; expected ")[0] and expected in one.split("; expected ")[1] for one in told), (
        place,
        files.faults(),
    )


def test_the_readers_know_exactly_the_fields_of_the_tables() -> None:
    assert set(ALL) - {"map"} == set(Asset.__dataclass_fields__)
    assert set(PLANT_READERS) == set(PlantSpec.__dataclass_fields__)
    assert set(SCHEDULE_READERS) == set(ScheduleSpec.__dataclass_fields__)
    assert set(PRODUCT_READERS) == set(ProductSpec.__dataclass_fields__)
    assert set(LIMIT_READERS) == set(Limit.__dataclass_fields__)
    assert {*DATA_READERS, "start_ms"} - {"start"} == set(DataSource.__dataclass_fields__)


def test_faults_of_the_site_file_and_of_every_map_come_at_once_in_order(files: Files) -> None:
    files.change("site.toml", "rating_mw = 10", "rating_mw = 0")
    files.change("site.toml", 'protocol = "fake"\nhost = "here"\nport = 1', 'protocol = "fack"')
    files.change("fake_battery.csv", ",kW,", ",kVA,")
    files.change("fake_engine.csv", "off|on", "off")
    files.change("ems.csv", "battery1.active_power", "battery.active_power")
    files.change("load.csv", "2.5", "two")
    told = files.faults()
    names = [fault.split(":")[0] for fault in told]
    assert names == sorted(names)
    assert set(names) == {"site.toml", "fake_battery.csv", "fake_engine.csv", "ems.csv", "load.csv"}


def test_a_session_whose_asset_is_missing_is_told(files: Files) -> None:
    files.change("site.toml", 'session = "one"', 'session = "two"')
    told = files.faults()
    assert any("session 'one' without an asset" in fault for fault in told)


def test_two_assets_on_one_session_may_not_share_an_address(files: Files) -> None:
    files.change("site.toml", 'session = "one"', 'session = "two"')
    files.change("fake_engine.csv", "analog_input,active_power,10", "analog_input,active_power,1")
    told = [fault for fault in files.faults() if "at the address of" in fault]
    assert len(told) == 1
    assert "engine1.active_power at the address of battery1.state_of_charge" in told[0]
    assert told[0].startswith("site.toml:38:1: ")


def test_a_site_without_plant_and_assets_is_told_so(files: Files) -> None:
    files.write("site.toml", "")
    told = files.faults()
    assert any(fault.startswith("site.toml:1:1: no table [plant]") for fault in told)
    assert any(fault.startswith("site.toml:1:1: no asset") for fault in told)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[plant]\nname = \n", "2:8"),
        ('[plant]\nname = "x\n', "2:10"),
        ("a = 1\na = 2\n", "2:6"),
        ("a = [1,\n\n", "1:8"),
    ],
)
def test_a_syntax_error_is_told_with_its_place(files: Files, text: str, place: str) -> None:
    files.write("site.toml", text)
    assert files.only_fault().startswith(f"site.toml:{place}: TOML that cannot be read: ")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = 1\n\x01"])
def test_hostile_toml_is_a_fault_and_nothing_worse(files: Files, text: str) -> None:
    files.write("site.toml", text)
    assert files.only_fault().startswith("site.toml:")


def test_a_site_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_site(tmp_path / "none.toml", DRIVERS)
    assert "no such file" in str(caught.value)


def test_a_folder_in_place_of_a_site_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_site(tmp_path, DRIVERS)
    assert "cannot be read" in str(caught.value)


def test_data_rows_that_are_no_numbers_or_go_back_in_time_are_told(files: Files) -> None:
    files.write("load.csv", "time,mw\n2024-07-01T00:15:00Z,x\n2024-07-01T00:00:00Z,2\nnoon,nan\n2024-07-02\n")
    assert files.faults() == [
        "load.csv:2:22: 'x'; expected a number",
        "load.csv:3:1: '2024-07-01T00:00:00Z'; expected a time after that of the line before",
        "load.csv:4:1: 'noon'; expected an ISO 8601 time",
        "load.csv:4:6: 'nan'; expected a number",
        "load.csv:5:1: 1 cells; expected as many as the header has",
    ]


def test_a_data_file_full_of_faults_does_not_drown_the_others(files: Files) -> None:
    files.write("load.csv", "time,mw\n" + "noon,x\n" * 1000)
    assert len(files.faults()) <= 25


def test_overrides_take_the_place_of_settings(files: Files) -> None:
    site = files.load(session__two__port=77, plant__enabled=True, ems__ems__host="there", asset__engine1__rating_mw=9)
    assert [spec.settings for spec in site.sessions][1].port == 77  # type: ignore[attr-defined]
    assert site.plant.enabled
    assert site.ems[0].settings.host == "there"  # type: ignore[attr-defined]
    assert site.fleet.assets[1].rating_mw == 9


def test_a_faulty_override_says_that_it_is_one(files: Files) -> None:
    fault = files.only_fault(session__two__port=99_999)
    assert fault == f"site.toml:{place_of('port = 2')}: port: 99999 (overridden); expected a port"


def test_an_override_of_what_is_not_there_is_a_fault(files: Files) -> None:
    assert "session two" not in files.only_fault(session__tow__port=1)
    assert "did you mean 'two'?" in files.only_fault(session__tow__port=1)
    assert "KEY=VALUE" in files.only_fault(port=1)


def test_a_key_that_no_line_has_is_placed_at_its_table(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('x = 1\n[[session]]\nname = "a"\n', encoding="utf-8")
    document = read_document(tmp_path / "site.toml", {"session.a.port": 5})
    assert document.named("session")[0].place("port").line == 2


def test_two_outstations_may_not_listen_at_one_port(files: Files) -> None:
    second = SITE[SITE.index("[[ems]]") :].replace('name = "ems"', 'name = "other"')
    files.write("site.toml", SITE + second)
    assert "the port of ems 'ems'; expected a port of its own" in files.only_fault()
    files.write("site.toml", SITE + second.replace("port = 3", "port = 4"))
    assert [spec.name for spec in files.load().ems] == ["ems", "other"]


def test_a_map_of_an_asset_without_a_session_is_read_by_its_name(files: Files) -> None:
    files.change("site.toml", 'session = "two"', 'session = "three"')
    files.change("fake_battery.csv", ",kW,", ",kVA,")
    told = files.faults()
    assert any(fault.startswith("fake_battery.csv:3:") for fault in told)
    assert any("session 'three', which is no session" in fault for fault in told)
    assert not any(fault.startswith("ems.csv") for fault in told)
