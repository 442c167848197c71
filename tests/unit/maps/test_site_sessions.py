"""Settings of sessions on their way to a driver: paths of files count from the site file."""

from collections.abc import Mapping
from pathlib import Path

from tests.unit.maps.fakes import FakeDriver, FakeSettings
from vppscada.maps.document import read_document
from vppscada.maps.site_sessions import read_sessions
from vppscada.model.errors import Fault


class FileDriver(FakeDriver):
    """Keeps what it is given."""

    path_keys = ("key", "trusted")

    def __init__(self) -> None:
        self.given: Mapping[str, object] = {}

    def read_session(self, table: Mapping[str, object]) -> FakeSettings:
        self.given = table
        return FakeSettings("h", 1)


def given(tmp_path: Path, settings: str) -> Mapping[str, object]:
    site = tmp_path / "site.toml"
    site.write_text(f'[[session]]\nname = "a"\nprotocol = "fake"\n{settings}\n', encoding="utf-8")
    driver = FileDriver()
    faults: list[Fault] = []
    read_sessions(read_document(site, {}), {"fake": driver}, faults)
    assert not faults
    return driver.given


def test_relative_paths_count_from_the_site_file(tmp_path: Path) -> None:
    read = given(tmp_path, 'key = "secret/a.key"\ntrusted = ["b.pem", "/etc/c.pem"]\nhost = "key"')
    assert read == {
        "key": str(tmp_path / "secret/a.key"),
        "trusted": [str(tmp_path / "b.pem"), "/etc/c.pem"],
        "host": "key",
    }


def test_paths_in_inner_tables_do_too(tmp_path: Path) -> None:
    read = given(tmp_path, 'backup = { key = "b.key", host = "h" }')
    assert read == {"backup": {"key": str(tmp_path / "b.key"), "host": "h"}}


def test_what_is_no_path_is_left_for_the_driver_to_refuse(tmp_path: Path) -> None:
    assert given(tmp_path, 'key = 3\ntrusted = ""') == {"key": 3, "trusted": ""}
