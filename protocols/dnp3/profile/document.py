"""The device profile of an outstation as an XML document (IEEE 1815, 14; schema of the DNP Users Group).

Element names are those of published profiles of that schema version. What nobody has measured of a site's machine
(drift, response times) is left out. The schema's own file is the Users Group's and is not part of this project.
"""

from collections.abc import Sequence
from datetime import date
from xml.etree import ElementTree

from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.profile.configuration import configuration
from protocols.dnp3.profile.data_points import data_points, database
from protocols.dnp3.profile.implementation import implementation_table
from protocols.dnp3.profile.items import NAMESPACE, SCHEMA_VERSION, element
from protocols.dnp3.profile.lists import by_kind
from vppscada.model.points import RowPoint


def profile_document(
    name: str,
    settings: Dnp3OutstationSettings,
    master: Dnp3OutstationSettings,
    points: Sequence[RowPoint],
    today: date,
) -> str:
    """The document for one association of an outstation.

    Args:
        name: of the outstation, in the site file.
        settings: the outstation's.
        master: those of the association (see `Dnp3OutstationSettings.associations`).
        points: what it serves.
        today: the day that the document tells as its own.
    """
    served = by_kind(points)
    kinds = list(served)
    root = element("DNP3DeviceProfileDocument")
    root.set("schemaVersion", SCHEMA_VERSION)
    revision = element(
        "revisionHistory", [("date", today.isoformat()), ("author", "vppscada"), ("reason", "Generated")]
    )
    revision.set("version", "1")
    header = element("documentHeader", [("documentName", f"{name}: device profile for master {master.identity}")])
    header.append(revision)
    root.append(header)
    root.append(
        element(
            "referenceDevice",
            [
                ("configuration", configuration(name, settings, master)),
                ("database", database(master, kinds)),
                ("implementationTable", implementation_table(kinds)),
                ("dataPointsList", data_points(master, served)),
            ],
        )
    )
    ElementTree.register_namespace("", NAMESPACE)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
