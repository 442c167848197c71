"""A point map as somebody proposes it: a survey of a device, a standard's profile, a user's own list."""

from collections.abc import Mapping
from dataclasses import dataclass

from vppscada.model.errors import VppscadaError


class SurveyError(VppscadaError):
    """A device could not be asked what it is, or is not what it was taken for. The text says where and why."""


@dataclass(frozen=True, slots=True)
class MapProposal:
    """Lines of a map not yet written: texts by column; columns that a line leaves out are blank.

    ``notes`` go above the header as comments. Nothing of it is in force: an engineer reads it first.
    """

    protocol: str
    lines: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...] = ()
