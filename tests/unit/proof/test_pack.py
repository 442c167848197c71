"""A pack says of itself whether it is what it was."""

import json
import zipfile
from pathlib import Path

import pytest

from vppscada.model.errors import VppscadaError
from vppscada.proof.pack import MANIFEST, faults_of, read_pack, write_pack

FILES = {"summary.json": b"{}\n", "signal.csv": b"time,value\n", "site/ab/site.toml": b"[plant]\n"}


@pytest.fixture(params=["pack", "pack.zip"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    target = tmp_path / request.param
    return target, write_pack(FILES, target)


def test_a_pack_that_nobody_touched_is_sound(written: tuple[Path, str]) -> None:
    target, whole = written
    found = read_pack(target)
    assert faults_of(found) == [] and faults_of(found, whole) == []
    assert {name: content for name, content in found.items() if name != MANIFEST} == FILES


def test_each_file_that_is_changed_missing_or_added_is_named(written: tuple[Path, str]) -> None:
    found = read_pack(written[0])
    del found["site/ab/site.toml"]
    found |= {"signal.csv": b"time,valu3\n", "more.csv": b""}
    assert faults_of(found) == [
        "site/ab/site.toml is missing",
        "more.csv is not in the manifest",
        "signal.csv is changed",
    ]


def test_a_manifest_made_to_fit_is_found_by_the_hash_of_the_whole(written: tuple[Path, str], tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    write_pack({**FILES, "signal.csv": b"time,valu3\n"}, forged)
    assert faults_of(read_pack(forged)) == []
    assert "of another pack" in faults_of(read_pack(forged), written[1])[0]


def test_a_manifest_that_is_touched_is_told(written: tuple[Path, str]) -> None:
    found = read_pack(written[0])
    told = json.loads(found[MANIFEST])
    told["files"].pop("signal.csv")
    assert faults_of({**found, MANIFEST: json.dumps(told).encode()}) == [
        "signal.csv is not in the manifest",
        f"{MANIFEST} is changed: the hash of the whole does not fit its files",
    ]
    assert faults_of({**found, MANIFEST: b"[]"}) == [f"{MANIFEST} cannot be read"]
    assert faults_of(FILES) == [f"{MANIFEST} is missing"]


def test_the_same_files_are_the_same_octets(tmp_path: Path) -> None:
    write_pack(FILES, tmp_path / "a.zip")
    write_pack(dict(reversed(FILES.items())), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_evidence_is_not_written_over(written: tuple[Path, str]) -> None:
    with pytest.raises(VppscadaError, match="exists already"):
        write_pack(FILES, written[0])


def test_what_is_no_pack_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK no zip")
    with pytest.raises(VppscadaError, match="neither a folder nor a sound zip"):
        read_pack(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    with pytest.raises(VppscadaError, match="twice"):
        read_pack(tmp_path / "y.zip")
