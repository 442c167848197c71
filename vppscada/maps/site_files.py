"""All files of a site, and a copy of them as they were in force: one archive for each content, named by its hash."""

import hashlib
import json
import os
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from vppscada.maps.locate import find_map, shipped

FOLDER = "sites"
_WHEN = (1980, 1, 1, 0, 0, 0)  # of every entry: the same content gives the same octets


def site_files(site_file: Path) -> dict[str, bytes]:
    """The content of the site file and of every map and data file that it names, by name.

    Names are relative to the site file's folder; what lies elsewhere is in ``elsewhere/``, by its folder's name.
    What is not there is left out.

    Raises:
        OSError: a file cannot be read.
        ValueError: the site file is not TOML.
    """
    content = site_file.read_bytes()
    found = {site_file.name: content}
    for path in dict.fromkeys(_named(tomllib.loads(content.decode("utf-8")), site_file)):
        found.setdefault(_name(path, site_file.parent), path.read_bytes())
    return dict(sorted(found.items()))


def _named(content: Mapping[str, object], site_file: Path) -> Iterator[Path]:
    for table, key in (("asset", "map"), ("ems", "map"), ("data", "file"), ("plant", "calculations")):
        tables = content.get(table, [])
        for one in tables if isinstance(tables, list) else [tables]:
            name = one.get(key) if isinstance(one, dict) else None
            path = find_map(name, site_file) if isinstance(name, str) and name else None
            if path is not None:
                yield path
    own = shipped("plant.csv")
    if own is not None:
        yield own


def _name(path: Path, folder: Path) -> str:
    relative = os.path.relpath(path, folder)
    return (
        f"elsewhere/{path.resolve().parent.name}/{path.name}"
        if relative.startswith("..")
        else Path(relative).as_posix()
    )


def mark_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and the hashes of the files."""
    told = [[name, hashlib.sha256(content).hexdigest()] for name, content in sorted(files.items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def keep_site(site_file: Path, state: Path) -> str:
    """Copy a site's files into a state directory, once for each content; returns their mark.

    Raises:
        OSError: they cannot be read, or the copy cannot be written.
        ValueError: the site file is not TOML.
    """
    files = site_files(site_file)
    mark = mark_of(files)
    archive = state / FOLDER / f"{mark}.zip"
    if archive.exists():
        return mark
    archive.parent.mkdir(parents=True, exist_ok=True)
    new = archive.with_suffix(".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name, _WHEN), content, zipfile.ZIP_DEFLATED)
    with new.open("rb") as written:
        os.fsync(written.fileno())
    new.replace(archive)
    return mark


def kept_site(mark: str, state: Path) -> dict[str, bytes]:
    """The files of a site as they were kept.

    Raises:
        OSError: there is no such copy.
        ValueError: it is damaged: its content has not that mark.
    """
    with zipfile.ZipFile(state / FOLDER / f"{mark}.zip") as packed:
        try:
            files = {name: packed.read(name) for name in sorted(packed.namelist())}
        except (zipfile.BadZipFile, KeyError) as error:
            raise ValueError(f"the copy {mark[:12]} of the site is damaged ({error})") from None
    if mark_of(files) != mark:
        raise ValueError(f"the copy {mark[:12]} of the site is not what it was")
    return files
