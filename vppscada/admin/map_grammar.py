"""The grammar of ``vppscada map``."""

import argparse
from pathlib import Path

from vppscada.admin import map_commands, map_imports, word_orders

_Verbs = argparse._SubParsersAction


def add_map(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """Add ``map`` and what stands below it."""
    below = verbs.add_parser("map", help="bring point maps in and out").add_subparsers(required=True, metavar="VERB")
    _add_import(below)
    export = below.add_parser("export", help="write a map as an Excel workbook with drop-downs, or as CSV")
    export.add_argument("map", metavar="MAP", help="a map of either form, or the name of a shipped map")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="ends in .xlsx or .csv")
    export.add_argument("--protocol", default="", help="where the file's name does not begin with it")
    export.add_argument("--force", action="store_true", help="replace a file that exists")
    export.set_defaults(command=map_commands.export)
    _add_orders(below)
    profile = below.add_parser("profile", help="write the DNP3 device profile and point lists for the EMS side")
    profile.add_argument("site", metavar="SITE", help="site file, or the name of a shipped site")
    profile.add_argument("--ems", default="", metavar="NAME", help="only this outstation")
    profile.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    profile.set_defaults(command=map_commands.profile)


def _add_orders(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    asked = verbs.add_parser("orders", help="ask a device which order of words and bytes a point's registers have")
    asked.add_argument("site", metavar="SITE", help="site file, or the name of a shipped site")
    asked.add_argument("point", metavar="POINT", help="asset.point; its map's word_order does not matter")
    asked.add_argument("--near", type=float, metavar="VALUE", help="what it should read, in the units of the point")
    asked.add_argument("--within", type=float, metavar="DIFFERENCE", help="what counts as near (default: 5 %%)")
    asked.add_argument("--between", type=float, nargs=2, metavar=("LOWEST", "HIGHEST"))
    asked.add_argument("--samples", type=int, default=3, choices=range(1, 101), metavar="N", help="default: 3")
    asked.set_defaults(command=word_orders.orders)


def _add_import(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    sources = verbs.add_parser("import", help="propose a map: from a device, a profile, or a list of your own")
    below = sources.add_subparsers(required=True, metavar="SOURCE")
    sunspec = below.add_parser("sunspec", help="ask a SunSpec device over Modbus/TCP")
    sunspec.add_argument("target", metavar="HOST[:PORT]")
    sunspec.add_argument("--unit", type=int, default=1, metavar="N", help="unit identifier (default: 1)")
    sunspec.set_defaults(command=map_imports.sunspec)
    opcua = below.add_parser("opcua", help="browse an OPC UA server")
    opcua.add_argument("url", metavar="URL", help="opc.tcp://HOST:PORT/…")
    opcua.add_argument("--user", default="", metavar="NAME")
    opcua.add_argument("--password-file", type=Path, metavar="FILE")
    opcua.set_defaults(command=map_imports.opcua)
    mesa = below.add_parser("mesa", help="an IEEE 1815.2 (MESA-DER) profile in JSON")
    mesa.add_argument("file", type=Path, metavar="PROFILE")
    mesa.set_defaults(command=map_imports.mesa)
    for word, what in (("csv", "a CSV file"), ("xlsx", "an Excel workbook")):
        table = below.add_parser(word, help=f"{what} with columns of your own")
        table.add_argument("file", type=Path, metavar="FILE")
        table.add_argument("--mapping", type=Path, required=True, metavar="TOML", help="which column is which")
        table.set_defaults(command=map_imports.table)
    for parser in below.choices.values():
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="ends in .csv or .xlsx (default: stdout)")
        parser.add_argument("--against", default="", metavar="MAP", help="show what it would change in this map")
        parser.add_argument("--force", action="store_true", help="replace a file that exists")
