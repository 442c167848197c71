"""What the commands below ``vppscada map import`` do: a proposal is written and compared, and nothing is in force."""

import argparse
import asyncio
import sys
from pathlib import Path

from vppscada.admin.map_commands import map_file, write_sheet
from vppscada.maps.imports import differences, mesa_proposal, proposal_sheet, tabular_proposal
from vppscada.maps.sheets import csv_text, read_sheet
from vppscada.model.errors import VppscadaError
from vppscada.model.proposals import MapProposal
from vppscada.station.drivers import DRIVERS, SURVEY_OPCUA, SURVEY_SUNSPEC

_MODBUS_PORT = 502


def sunspec(options: argparse.Namespace) -> int:
    """Ask a device."""
    host, port = _target(options.target, _MODBUS_PORT)

    async def ask() -> MapProposal:
        return await SURVEY_SUNSPEC(host, port, options.unit)

    return _propose(asyncio.run(ask()), options)


def opcua(options: argparse.Namespace) -> int:
    """Browse a server."""
    password = options.password_file.read_text(encoding="utf-8").strip() if options.password_file else ""

    async def ask() -> MapProposal:
        return await SURVEY_OPCUA(options.url, options.user, password)

    return _propose(asyncio.run(ask()), options)


def mesa(options: argparse.Namespace) -> int:
    """Read a profile."""
    return _propose(mesa_proposal(options.file), options)


def table(options: argparse.Namespace) -> int:
    """Read a user's own list."""
    return _propose(tabular_proposal(options.file, options.mapping, DRIVERS), options)


def _target(text: str, default: int) -> tuple[str, int]:
    """HOST, HOST:PORT or [IPv6]:PORT."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.endswith("]")):
        return text.strip("[]"), default
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise VppscadaError(f"{text}: expected HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def _propose(proposal: MapProposal, options: argparse.Namespace) -> int:
    """Write the proposal, and say on stderr how many points it has and what it would change."""
    sheet = proposal_sheet(proposal, DRIVERS[proposal.protocol])
    output: Path | None = options.output
    changes: list[str] = []
    if options.against:
        there = map_file(options.against)
        changes = list(differences(read_sheet(there), sheet, str(there), str(output or "proposal")))
    if output is None:
        sys.stdout.write(csv_text(sheet))
    else:
        write_sheet(sheet, DRIVERS[proposal.protocol], output, force=options.force)
    for line in changes or (["nothing would change"] if options.against else []):
        sys.stderr.write(f"{line}\n")
    for note in proposal.notes:
        sys.stderr.write(f"{note}\n")
    where = f"written to {output}; " if output else ""
    sys.stderr.write(f"a proposal of {len(proposal.lines)} {proposal.protocol} points; {where}nothing is in force\n")
    return 0
