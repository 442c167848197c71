"""What ``vppscada evidence`` does: make a pack of a called event, or check one."""

import argparse
import sys

from vppscada.admin.loading import load
from vppscada.admin.station_commands import state_of
from vppscada.model.errors import VppscadaError
from vppscada.proof.baseline import Method
from vppscada.proof.evidence import Asked, gather
from vppscada.proof.evidence_files import files_of
from vppscada.proof.pack import faults_of, read_pack, write_pack
from vppscada.proof.times import day_ms, day_of, moment_ms


def evidence(options: argparse.Namespace) -> int:
    """Make a pack (0), or verify one: 0 if it is what it was, else 1 and every file that is not."""
    if options.verify is not None:
        return _verify(options)
    missing = [name for name in ("site", "since", "until", "out") if getattr(options, name) is None]
    if missing:
        words = {"site": "SITE", "since": "--from", "until": "--to", "out": "--out"}
        raise VppscadaError(f"{', '.join(words[name] for name in missing)} is missing (or --verify PACK)")
    since_ms, until_ms = moment_ms(options.since), moment_ms(options.until)
    if since_ms >= until_ms:
        raise VppscadaError("--to is not after --from")
    excluded = frozenset(day_of(day_ms(day)) for day in options.exclude_day)
    asked = Asked(since_ms, until_ms, Method(options.baseline), excluded, options.step)
    try:
        files = files_of(gather(load(options), state_of(options), asked))
    except (ValueError, KeyError) as error:
        raise VppscadaError(f"what the station kept cannot be read: {error}") from None
    whole = write_pack(files, options.out)
    sys.stdout.write(f"{options.out}: {len(files)} files, SHA-256 of the whole {whole}\n")
    return 0


def _verify(options: argparse.Namespace) -> int:
    files = read_pack(options.verify)
    faults = faults_of(files, options.hash)
    for fault in faults:
        sys.stdout.write(f"{options.verify}: {fault}\n")
    if not faults:
        sys.stdout.write(f"{options.verify}: {len(files) - 1} files are what they were\n")
    return 1 if faults else 0
