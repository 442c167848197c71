"""Maps from elsewhere as proposals: profiles of standards, spreadsheets with their owner's columns, surveys."""

from vppscada.maps.imports.mesa import mesa_proposal
from vppscada.maps.imports.proposal import differences, proposal_sheet
from vppscada.maps.imports.tabular import tabular_proposal

__all__ = ["differences", "mesa_proposal", "proposal_sheet", "tabular_proposal"]
