"""A pack of files with a manifest: SHA-256 of each, and one hash of the whole. Written and verified."""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from vppscada.model.errors import VppscadaError

MANIFEST = "manifest.json"
_WHEN = (1980, 1, 1, 0, 0, 0)  # of every entry of a zip: the same content gives the same octets
_FORMAT = 1


def whole_hash(hashes: Mapping[str, str]) -> str:
    """The hash of the whole: SHA-256 over a line ``HASH  NAME`` for each file, by rising names."""
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of the files, as JSON."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    listed = {name: {"sha256": hashes[name], "bytes": len(files[name])} for name in sorted(files)}
    told = {"format": _FORMAT, "whole": whole_hash(hashes), "files": listed}
    return json.dumps(told, indent=1).encode() + b"\n"


def write_pack(files: Mapping[str, bytes], target: Path) -> str:
    """Write the files with their manifest into a new folder, or a zip if the name ends so; returns the whole's hash.

    Raises:
        VppscadaError: there is something of that name already.
        OSError: it cannot be written.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise VppscadaError(f"{target}: exists already; evidence is not written over")
    packed = {**files, MANIFEST: manifest(files)}
    if target.suffix == ".zip":
        _write_zip(packed, target)
    else:
        for name in sorted(packed):
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(packed[name])
    whole: str = json.loads(packed[MANIFEST])["whole"]
    return whole


def _write_zip(packed: Mapping[str, bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f"{target.name}.new")
    with zipfile.ZipFile(new, "w") as archive:
        for name in sorted(packed):
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, packed[name], zipfile.ZIP_DEFLATED, 9)
    with new.open("rb") as written:
        os.fsync(written.fileno())
    new.replace(target)


def read_pack(source: Path) -> dict[str, bytes]:
    """All files of a folder or zip, by name.

    Raises:
        VppscadaError: it is neither, or the zip is damaged.
        OSError: it cannot be read.
    """
    if source.is_dir():
        found = (path for path in source.rglob("*") if path.is_file())
        return {path.relative_to(source).as_posix(): path.read_bytes() for path in found}
    try:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
            if len(set(names)) != len(names):
                raise VppscadaError(f"{source}: a name stands in it twice")
            return {name: archive.read(name) for name in names if not name.endswith("/")}
    except zipfile.BadZipFile as error:
        raise VppscadaError(f"{source}: neither a folder nor a sound zip ({error})") from None


def faults_of(files: Mapping[str, bytes], whole: str = "") -> list[str]:
    """What is wrong with a pack, in words, a line each; empty if nothing. ``whole`` is the hash it should have."""
    if MANIFEST not in files:
        return [f"{MANIFEST} is missing"]
    try:
        told = json.loads(files[MANIFEST])
        listed = {str(name): str(one["sha256"]) for name, one in told["files"].items()}
        claimed = str(told["whole"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"{MANIFEST} cannot be read"]
    found = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != MANIFEST}
    faults = [f"{name} is missing" for name in sorted(listed.keys() - found.keys())]
    faults += [f"{name} is not in the manifest" for name in sorted(found.keys() - listed.keys())]
    faults += [f"{name} is changed" for name in sorted(found.keys() & listed.keys()) if found[name] != listed[name]]
    if whole_hash(listed) != claimed:
        faults.append(f"{MANIFEST} is changed: the hash of the whole does not fit its files")
    if whole and claimed != whole:
        faults.append(f"{MANIFEST} is of another pack: the hash of the whole is {claimed}, not {whole}")
    return faults
