"""A site as a command line names it, with its overrides."""

import argparse

from vppscada.maps import find_site, load_site
from vppscada.model.errors import VppscadaError
from vppscada.model.site import Site
from vppscada.station.drivers import DRIVERS


def load(options: argparse.Namespace) -> Site:
    """The site.

    Raises:
        ConfigError: every fault of it.
        VppscadaError: an override that is none.
    """
    return load_site(find_site(options.site), DRIVERS, overrides_of(options))


def overrides_of(options: argparse.Namespace) -> dict[str, object]:
    """Settings that the command line puts in place of the site file's.

    Raises:
        VppscadaError: an override that is none.
    """
    overrides: dict[str, object] = {}
    for text in options.overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise VppscadaError(f"--set {text}: expected KEY=VALUE")
        overrides[key.strip()] = _value(value.strip())
    return overrides


def _value(text: str) -> object:
    """Text as TOML would read it: a whole number, a number, true or false, else a string."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
