"""Free ports of this machine for every listener of the demo."""

import contextlib
import socket
from collections.abc import Iterable

from vppscada.model.site import Site


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def port_overrides(site: Site) -> dict[str, object]:
    """Overrides that put every session and outstation of a site on a free port of the loopback."""
    keys = [f"session.{spec.name}" for spec in site.sessions] + [f"ems.{spec.name}" for spec in site.ems]
    overrides: dict[str, object] = {}
    for key, port in zip(keys, free_ports(len(keys)), strict=True):
        overrides |= {f"{key}.host": "127.0.0.1", f"{key}.port": port}
    return overrides


def as_arguments(overrides: Iterable[tuple[str, object]]) -> list[str]:
    """The same for a child's command line."""
    return [word for key, value in overrides for word in ("--set", f"{key}={value}")]
