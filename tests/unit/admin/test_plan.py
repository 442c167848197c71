"""``vppscada plan`` as a person uses it."""

import json
from pathlib import Path

import pytest

from vppscada.admin.command_line import main
from vppscada.maps import find_site, load_site
from vppscada.maps.snapshot import snapshot, write_snapshot
from vppscada.station.drivers import DRIVERS


def test_a_site_against_itself_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "example", "--against", "example"]) == 0
    assert capsys.readouterr().out == "nothing would change\n"


def test_a_changed_setting_names_the_session_that_would_start_anew(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "example", "--against", "example", "--set", "session.genset.port=1502"]) == 3
    out = capsys.readouterr().out
    assert "session genset changed: port 502 → 1502" in out
    assert "1 of 2 sessions would be started anew; 0 EMS outstations affected" in out


def test_a_running_station_is_known_by_its_state_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_snapshot(snapshot(load_site(find_site("example"), DRIVERS)), tmp_path)
    assert main(["plan", "example", "--against", str(tmp_path), "--set", "plant.settle_s=9", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["plant"] == [{"what": "settle_s", "before": "60", "after": "9"}]
    assert found["sessions"] == []


def test_a_directory_without_a_station_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "example", "--against", str(tmp_path)]) == 1
    assert "no station has run with this state directory" in capsys.readouterr().err
