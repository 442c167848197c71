"""A good site in a page of text."""

from collections import Counter
from collections.abc import Iterable, Sequence

from vppscada.model.assets import Asset, AssetFamily
from vppscada.model.limits import Limit
from vppscada.model.points import Point
from vppscada.model.site import PLANT, DataSource, ProductSpec, Site


def summarise(site: Site) -> str:
    """Sessions, points by kind, assets with ratings, the plant, EMS outstations, data sources and products."""
    blocks = [
        [f"{site.plant.name} ({site.file})"],
        _plant(site),
        _assets(site),
        _limits(site.limits),
        _sessions(site),
        _points(site.points),
        _ems(site),
        _data(site.data),
        _products(site.products),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _plant(site: Site) -> list[str]:
    assets = site.fleet.assets
    lowest = sum(asset.lowest_mw for asset in assets)
    stored = sum(asset.capacity_mwh for asset in assets if asset.kind.family is AssetFamily.STORAGE)
    command = "commands its assets from the start" if site.plant.enabled else "commands nothing until it is enabled"
    schedule = site.schedule
    return [
        f"plant      {lowest:g} to {site.fleet.rating_mw:g} MW, {stored:g} MWh of storage; "
        f"{command}, mode {site.plant.mode}",
        f"schedule   {schedule.horizon_s / 3600:g} h in steps of {schedule.step_s / 60:g} min, "
        f"every {schedule.every_s / 60:g} min, objective {schedule.objective}",
    ]


def _assets(site: Site) -> list[str]:
    assets = site.fleet.assets
    rows = [(asset.name, asset.kind.value, _range(asset), _energy(asset), asset.session) for asset in assets]
    return [f"{_count(len(assets), 'asset')}", *_columns(("asset", "kind", "MW", "MWh", "session"), rows)]


def _range(asset: Asset) -> str:
    return f"{asset.lowest_mw:g} to {asset.rating_mw:g}"


def _energy(asset: Asset) -> str:
    return f"{asset.capacity_mwh:g}" if asset.kind.family is AssetFamily.STORAGE else "-"


def _limits(limits: Iterable[Limit]) -> list[str]:
    rows = [
        (one.name, f"{one.minimum_mw:g} to {one.maximum_mw:g}", one.parent or "-", one.point or "-") for one in limits
    ]
    return [_count(len(rows), "limit"), *_columns(("limit", "MW", "inside", "told by"), rows)] if rows else []


def _sessions(site: Site) -> list[str]:
    by_protocol = Counter(spec.protocol for spec in site.sessions)
    split = ", ".join(f"{n} {protocol}" for protocol, n in sorted(by_protocol.items()))
    rows = [(spec.name, spec.protocol, str(len(spec.points)), _where(spec.settings)) for spec in site.sessions]
    return [
        f"{_count(len(site.sessions), 'session')}: {split}",
        *_columns(("session", "protocol", "points", "at"), rows),
    ]


def _where(settings: object) -> str:
    """Where a session or an outstation is to be found, as far as its settings say it in the usual words."""
    url = getattr(settings, "url", "") or getattr(settings, "endpoint", "")
    host, port = getattr(settings, "host", ""), getattr(settings, "port", "")
    return str(url) if url else f"{host}:{port}" if host else "-"


def _points(points: Iterable[Point]) -> list[str]:
    all_points = list(points)
    kinds = Counter(point.kind.value for point in all_points)
    own = sum(point.asset == PLANT for point in all_points)
    disabled = sum(not point.enabled for point in all_points)
    writable = sum(point.writable for point in all_points)
    lines = [f"  {kind.replace('_', ' '):18} {n}" for kind, n in sorted(kinds.items())]
    head = f"{_count(len(all_points), 'point')}: {own} of the plant, {writable} writable, {disabled} not enabled"
    return [head, *lines]


def _ems(site: Site) -> list[str]:
    lines = []
    for spec in site.ems:
        kinds = Counter(export.point.kind.value for export in spec.exports)
        split = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in sorted(kinds.items()))
        lines.append(f"  {spec.name}: {spec.protocol} at {_where(spec.settings)}, {len(spec.exports)} points ({split})")
    return [_count(len(site.ems), "EMS outstation"), *lines]


def _data(sources: Iterable[DataSource]) -> list[str]:
    rows = [
        (
            one.name,
            one.units or "-",
            f"{one.step_s:g} s",
            one.interpolation,
            f"{one.file.name}: {_short(one.value_columns)}",
        )
        for one in sources
    ]
    return (
        [_count(len(rows), "data source"), *_columns(("series", "units", "step", "between", "from"), rows)]
        if rows
        else []
    )


def _products(products: Sequence[ProductSpec]) -> list[str]:
    if not products:
        return []
    rows = [
        (
            one.name,
            one.direction,
            f"{one.response_min:g} min for {one.sustain_h:g} h",
            " + ".join(filter(None, [f"{one.required_mw:g} MW" if one.required_mw else "", one.required])) or "-",
            f"{one.offered_mw:g} MW" if one.offered_mw else "-",
            _short(one.assets) if one.assets else "all that can",
        )
        for one in products
    ]
    header = ("product", "way", "within, for", "owed", "for sale", "held by")
    return [_count(len(rows), "product"), *_columns(header, rows)]


def _short(columns: tuple[str, ...]) -> str:
    return ", ".join(columns) if len(columns) <= 3 else f"{columns[0]} … {columns[-1]} ({len(columns)} columns)"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n or 'no'} {what}s"


def _columns(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
