"""Turns on a shared line: one at a time, nobody overtaken, nobody forgotten."""

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.dnp3.channels.turns import Turns


def test_the_first_to_ask_has_it_and_keeps_it() -> None:
    turns = Turns()
    assert turns.ask("a")
    assert turns.ask("a")
    assert not turns.ask("b")
    assert turns.holder == "a"


def test_the_others_follow_in_the_order_of_asking() -> None:
    turns = Turns()
    for who in "abcb":
        turns.ask(who)
    assert turns.give_up("a") == "b"
    assert not turns.ask("a")
    assert turns.give_up("b") == "c"
    assert turns.give_up("c") == "a"
    assert turns.give_up("a") is None
    assert turns.holder is None


def test_who_gives_up_waiting_is_not_called() -> None:
    turns = Turns()
    for who in "abc":
        turns.ask(who)
    assert turns.give_up("b") is None
    assert turns.give_up("a") == "c"


def test_giving_up_what_one_has_not_changes_nothing() -> None:
    turns = Turns()
    turns.ask("a")
    assert turns.give_up("b") is None
    assert turns.holder == "a"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans())))
def test_whoever_asks_waits_for_each_other_one_once_at_most(steps: list[tuple[str, bool]]) -> None:
    turns = Turns()
    passed: dict[str, list[str]] = {}  # who has had the turn since each of the waiting asked
    for who, asks in steps:
        before = turns.holder
        if asks:
            if turns.ask(who):
                passed.pop(who, None)
            else:
                passed.setdefault(who, [])
        else:
            passed.pop(who, None)
            turns.give_up(who)
        holder = turns.holder
        assert holder is not None or not passed
        if holder != before and isinstance(holder, str):
            passed.pop(holder, None)
            for had in passed.values():
                assert holder not in had
                had.append(holder)
