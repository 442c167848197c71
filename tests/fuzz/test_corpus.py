"""Everything that the fuzzer found worth keeping, every crash among it, still holds."""

from pathlib import Path

import pytest

from protocols.dnp3.outstation import controls
from tests.fuzz.reference import NotCommanded
from tests.fuzz.targets import TARGETS
from vppscada.model.commands import CommandStatus

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_holds(name: str) -> None:
    entries = sorted((CORPUS / name).iterdir())
    assert entries
    for entry in entries:
        try:
            TARGETS[name](entry.read_bytes())
        except Exception as error:
            raise AssertionError(f"{name}/{entry.name}") from error


def test_an_outstation_that_forgets_to_check_selections_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "check_operate", lambda *_: CommandStatus.SUCCESS)
    with pytest.raises(NotCommanded):
        for entry in (CORPUS / "outstation").iterdir():
            TARGETS["outstation"](entry.read_bytes())
