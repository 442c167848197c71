"""``[[session]]`` and the settings of ``[[ems]]``: handed to the driver of their protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vppscada.maps.document import Document, Table
from vppscada.maps.fields import Unfit, shown
from vppscada.maps.names import name, unique_names
from vppscada.maps.words import one_of, quoted
from vppscada.model.drivers import Driver
from vppscada.model.errors import Fault, SettingFaults

_Read = Callable[[Mapping[str, object]], object]


@dataclass(frozen=True, slots=True)
class Linked:
    """A session or an EMS outstation as far as it could be read. ``settings`` is None if they have faults."""

    table: Table
    protocol: str
    driver: Driver | None
    settings: object | None


def read_sessions(document: Document, drivers: Mapping[str, Driver], faults: list[Fault]) -> list[Linked]:
    """Every ``[[session]]`` table, and no two that would find the same device."""
    tables = document.named("session")
    unique_names(tables, faults)
    found = [read_linked(table, drivers, (), lambda driver: driver.read_session, faults) for table in tables]
    first: dict[tuple[str, object], Linked] = {}
    for linked in found:
        if linked.driver is None or linked.settings is None:
            continue
        server = linked.driver.outstation_settings(linked.settings)
        same = first.setdefault((linked.protocol, server), linked)
        if same is not linked:
            there = f"the device of session {quoted(same.table.name)} (line {same.table.place().line})"
            key = "port" if "port" in linked.table.content else "name"
            faults.append(linked.table.fault(key, there, "one session to each device"))
    return found


def read_linked(
    table: Table,
    drivers: Mapping[str, Driver],
    ours: tuple[str, ...],
    reader: Callable[[Driver], _Read],
    faults: list[Fault],
) -> Linked:
    """Name, protocol and settings of a table; ``ours`` are further keys that the driver does not get."""
    if "name" not in table.content:
        faults.append(table.fault("name", "no name", "name = …"))
    else:
        try:
            name(table.content["name"])
        except Unfit as unfit:
            faults.append(table.fault("name", f"name = {shown(table.content['name'])}", str(unfit)))
    protocol = table.content.get("protocol")
    driver = drivers.get(protocol) if isinstance(protocol, str) else None
    if driver is None:
        found = "no protocol" if protocol is None else f"protocol = {shown(protocol)}"
        faults.append(table.fault("protocol", found, one_of(protocol if isinstance(protocol, str) else "", drivers)))
        return Linked(table, "", None, None)
    rest = {key: value for key, value in table.content.items() if key not in ("name", "protocol", *ours)}
    settings: object | None = None
    try:
        settings = reader(driver)(_placed(rest, driver.path_keys, table.document.file.parent))
    except SettingFaults as error:
        faults.extend(table.fault(fault.key, f"{fault.key}: {fault.found}", fault.expected) for fault in error.faults)
    return Linked(table, driver.name, driver, settings)


def _placed(content: Mapping[str, object], keys: Sequence[str], folder: Path) -> dict[str, object]:
    """The settings with the paths at some keys, in inner tables too, counted from a folder."""

    def placed(key: str, value: object) -> object:
        if isinstance(value, dict):
            return _placed(value, keys, folder)
        if key not in keys:
            return value
        if isinstance(value, list):
            return [placed(key, one) for one in value]
        return str(folder / value) if isinstance(value, str) and value else value

    return {key: placed(key, value) for key, value in content.items()}
