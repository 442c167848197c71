"""Finding site files and maps: beside the site file, or among those that are shipped."""

import importlib.util
from pathlib import Path

from vppscada.maps.places import Place
from vppscada.maps.words import one_of, quoted
from vppscada.model.errors import ConfigError

_PACKAGE = "point_maps"


def shipped(relative: str) -> Path | None:
    """A file below ``point_maps`` as installed; None if there is no such file."""
    found = importlib.util.find_spec(_PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / relative
        if path.is_file():
            return path
    return None


def shipped_sites() -> list[str]:
    """Names of the shipped sites."""
    found = importlib.util.find_spec(_PACKAGE)
    folders = [Path(folder) / "sites" for folder in (found.submodule_search_locations or ())] if found else []
    return sorted({site.parent.name for folder in folders if folder.is_dir() for site in folder.glob("*/site.toml")})


def find_site(argument: str) -> Path:
    """The site file that an argument names: a path, a folder with a ``site.toml``, or the word of a shipped site.

    A file that exists comes before a shipped site of the same name.

    Raises:
        ConfigError: there is none.
    """
    path = Path(argument)
    if path.is_file():
        return path
    if (path / "site.toml").is_file():
        return path / "site.toml"
    found = shipped(f"sites/{argument}/site.toml") if argument.isidentifier() else None
    if found:
        return found
    expected = f"a site file, or a shipped site: {one_of(argument, shipped_sites())}"
    raise ConfigError([Place(path).fault(f"no site {quoted(argument)}", expected)])


def find_map(name: str, site_file: Path) -> Path | None:
    """A map named in a site file: relative to that file, else the shipped one of that bare name."""
    beside = site_file.parent / name
    try:
        if beside.is_file():
            return beside
    except (OSError, ValueError):  # a name too long, or with characters that no file can have
        return None
    return shipped(name) if Path(name).name == name and name else None
