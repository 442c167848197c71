"""``[[product]]``: services beside energy that the plant owes or sells."""

from collections.abc import Sequence

from vppscada.maps.document import Document, Table
from vppscada.maps.fields import number, optional_text, read_fields, texts, word, yes_no
from vppscada.maps.names import check_reference, name, unique_names
from vppscada.maps.site_fleet import AssetTable
from vppscada.maps.words import one_of, quoted
from vppscada.model.assets import AssetFamily, AssetKind
from vppscada.model.errors import Fault
from vppscada.model.site import ProductSpec

READERS = {
    "name": name,
    "direction": word(("up", "down")),
    "response_min": number(above=0.0, highest=1440.0, units="min"),
    "sustain_h": number(0.0, 168.0, units="h"),
    "required_mw": number(0.0, 1e9, units="MW"),
    "required": optional_text,
    "offered_mw": number(0.0, 1e9, units="MW"),
    "price_per_mw_h": number(),
    "price": optional_text,
    "assets": texts,
    "off_line": yes_no,
}
#: Keys that name a data source.
_SERIES = ("required", "price")
#: What promises nothing: its power is the weather's, or it runs only when called.
_NEVER = (AssetKind.EMERGENCY_GENERATOR,)


def read_products(document: Document, fleet: Sequence[AssetTable], faults: list[Fault]) -> list[ProductSpec]:
    """The products that could be read."""
    tables = document.named("product")
    unique_names(tables, faults)
    sources = [table.name for table in document.named("data")]
    found = [_read_product(table, sources, fleet, faults) for table in tables]
    return [product for product in found if product is not None]


def _read_product(
    table: Table, sources: Sequence[str], fleet: Sequence[AssetTable], faults: list[Fault]
) -> ProductSpec | None:
    fields = read_fields(table, READERS, ("name", "direction", "response_min", "sustain_h"), faults)
    for key in _SERIES:
        check_reference(fields, key, "data source", sources, faults)
    faults.extend(_holder_faults(table, fields.values.get("assets", ()), fleet))
    if fields.values.get("off_line") and fields.values.get("direction") == "down":
        faults.append(table.fault("off_line", "off_line = true downwards", "false: a unit that is off takes nothing"))
    return ProductSpec(**fields.values) if fields.good else None


def _holder_faults(table: Table, named: Sequence[str], fleet: Sequence[AssetTable]) -> list[Fault]:
    known = {one.name: one.asset for one in fleet if one.name}
    faults = []
    for asset in named:
        found = known.get(asset)
        if asset not in known:
            faults.append(
                table.fault("assets", f"asset {quoted(asset)}, which this site has not", one_of(asset, known))
            )
        elif found and (found.kind.family is AssetFamily.RENEWABLE or found.kind in _NEVER):
            expected = "an engine, microturbine, fuel cell or storage"
            faults.append(
                table.fault("assets", f"asset {quoted(asset)}, kind {found.kind}, which can promise nothing", expected)
            )
    return faults
