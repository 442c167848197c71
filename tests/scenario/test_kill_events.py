"""Events of an outstation that is killed: the rules on invented records, and a few kills of the real thing."""

from pathlib import Path

import pytest

from tests.scenario.kill_events import demonstrate
from tests.scenario.kill_events_judge import Judge, Made

pytestmark = pytest.mark.timeout(240)

KILLS = 10


def made(*numbers: int) -> Made:
    return Made(set(numbers), set(numbers))


async def test_every_event_comes_once_after_its_confirmation_however_often_the_outstation_is_killed(
    tmp_path: Path,
) -> None:
    report = await demonstrate(tmp_path, KILLS, seed=7, with_opendnp3=False)
    assert report.faults() == []
    assert len(report.made.made) > 10 * KILLS
    [judge] = report.judges.values()
    assert judge.counts["confirmations"] > KILLS


def test_a_repetition_before_any_sign_of_the_confirmation_is_no_fault() -> None:
    judge = Judge()
    judge.receive([1, 2])
    judge.confirm([1, 2])
    judge.lose()
    judge.prove([1, 2])  # in the next connection: it proves nothing about the one before
    judge.receive([1, 2, 3])
    assert judge.verdict(made(1, 2, 3)) == []
    assert judge.counts["repeated_without_sign_of_the_confirmation"] == 2


def test_a_repetition_after_a_sign_of_the_confirmation_is_a_fault() -> None:
    judge = Judge()
    judge.receive([1, 2])
    judge.confirm([1, 2])
    judge.prove([1, 2])
    judge.receive([2, 3])
    assert judge.verdict(made(1, 2, 3)) == ["2 again after its confirmation was proved"]


def test_what_was_not_confirmed_may_come_again() -> None:
    judge = Judge()
    judge.receive([1, 2])
    judge.prove([1, 2])
    judge.receive([1, 2])
    assert judge.verdict(made(1, 2)) == []


def test_missing_strange_and_disordered_events_are_faults() -> None:
    judge = Judge()
    judge.receive([2, 1])
    judge.receive([9])
    judge.receive([3])
    assert judge.verdict(made(1, 2, 3, 4)) == [
        "out of order within a fragment: [2, 1]",
        "1 after 2",
        "3 after 9",
        "1 events that were never made",
        "1 events missing, the first 4",
    ]
