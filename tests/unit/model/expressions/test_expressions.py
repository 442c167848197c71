"""The expression language: values, quality and time by rule, and every fault at its character."""

import math

import pytest

from vppscada.model.expressions import ExpressionError, Outcome, Reading, evaluate, parse
from vppscada.model.expressions.syntax import Call
from vppscada.model.quality import Quality, TimeQuality

GOOD = int(Quality.ONLINE)
LOST = int(Quality.COMM_LOST)
STALE = int(Quality.ONLINE | Quality.STALE)
FORCED = int(Quality.ONLINE | Quality.LOCAL_FORCED)
SYNCHRONISED = int(TimeQuality.SYNCHRONISED)


def reading(value: float, quality: int = GOOD, time_ms: int = 10, time_quality: int = SYNCHRONISED) -> Reading:
    return Reading(float(value), quality, time_ms, time_quality)


def worked_out(text: str, now_ms: int = 100, **readings: Reading) -> Outcome:
    expression = parse(text)
    return evaluate(expression, [readings[name] for name in expression.names], (None,) * expression.timers, now_ms)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4 / 8", 6.5),
        ("(1 + 2) * -3", -9),
        ("2 - 1 - 1", 0),
        ("8 / 4 / 2", 1),
        ("1 < 2 and not 3 <= 2", 1),
        ("0 or 0 and 1", 0),
        ("1 == 1.0", 1),
        ("2 != 2", 0),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("avg(1, 2, 6)", 3),
        ("sum(0.1, 0.2, 0.3)", 0.6),
        ("select(1 > 0, 5, 6)", 5),
        ("if(false, 5, 6)", 6),
        ("abs(-2)", 2),
        ("bit(5, 0) + 2 * bit(5, 1) + 4 * bit(5, 2)", 5),
        ("bit(-1, 15)", 1),
        ("clamp(12, 0, 10)", 10),
        ("mod(-1, 4)", 3),
        ("pow(2, 10) + sqrt(9) + round(2.6)", 1030),
        ("2 min + 500 ms", 120.5),
        ("1e3 + .5", 1000.5),
    ],
)
def test_constants_are_worked_out(text: str, value: float) -> None:
    assert worked_out(text).reading == pytest.approx((value, GOOD, 100, SYNCHRONISED))


def test_a_result_carries_every_fault_of_what_took_part_and_is_online_only_if_all_are() -> None:
    quality = worked_out("a + b * c", a=reading(1, FORCED), b=reading(2, LOST), c=reading(3)).reading.quality
    assert quality == Quality.LOCAL_FORCED | Quality.COMM_LOST


def test_the_branch_that_was_not_chosen_takes_no_part() -> None:
    chosen = worked_out("select(on, a, b)", on=reading(1), a=reading(5), b=reading(6, LOST)).reading
    assert chosen[:2] == (5, GOOD)
    other = worked_out("select(on, a, b)", on=reading(0), a=reading(5), b=reading(6, LOST)).reading
    assert other[:2] == (6, LOST)


def test_a_choice_by_what_is_doubtful_is_doubtful() -> None:
    assert worked_out("select(on, 1, 2)", on=reading(1, STALE)).reading[:2] == (1, STALE)


@pytest.mark.parametrize(
    ("a", "b", "value", "quality"),
    [(GOOD, GOOD, 1, GOOD), (STALE, FORCED, 2, FORCED), (LOST, STALE, 1, int(Quality.COMM_LOST | Quality.STALE))],
)
def test_first_good_is_the_first_that_is_fit_or_as_bad_as_all(a: int, b: int, value: float, quality: int) -> None:
    assert worked_out("first_good(a, b)", a=reading(1, a), b=reading(2, b)).reading[:2] == (value, quality)


@pytest.mark.parametrize(("quality", "value"), [(GOOD, 1), (FORCED, 1), (STALE, 0), (LOST, 0), (0, 0)])
def test_good_tells_of_a_quality_and_is_known_for_certain(quality: int, value: float) -> None:
    assert worked_out("good(a)", a=reading(9, quality)).reading[:2] == (value, GOOD)


def test_the_time_is_the_latest_and_as_trusted_as_the_least() -> None:
    unset = reading(1, time_ms=30, time_quality=int(TimeQuality.UNSYNCHRONISED))
    assert worked_out("a + b + 1", a=unset, b=reading(1, time_ms=40)).reading[2:] == (40, TimeQuality.UNSYNCHRONISED)
    none = reading(1, time_ms=0, time_quality=int(TimeQuality.NONE))
    assert worked_out("a + b", a=none, b=reading(1)).reading[2:] == (0, TimeQuality.NONE)


@pytest.mark.parametrize(
    "text", ["1 / (a - a)", "mod(a, 0)", "sqrt(-a)", "pow(10, 400 * a)", "bit(a, 0.5)", "1e300 * 1e300 * a"]
)
def test_where_there_is_no_answer_the_value_is_unknown_and_not_online(text: str) -> None:
    result = worked_out(text, a=reading(1)).reading
    assert math.isnan(result.value)
    assert result.quality == Quality.OVER_RANGE


def test_what_is_unknown_stays_unknown_in_whatever_is_made_of_it() -> None:
    for text in ("a > 1", "not a", "max(a, 3)", "select(a, 1, 2)", "a or true"):
        assert math.isnan(worked_out(text, a=reading(math.nan, LOST)).reading.value)


@pytest.mark.parametrize(
    ("text", "position", "found", "expected"),
    [
        ("a +", 3, "the end", "a number, a point"),
        ("avrage(1)", 0, "function 'avrage'", "one of abs"),
        ("3 kX", 2, "'kX'", "a unit"),
        ("a < b < c", 6, "'<'", "do not chain"),
        ("select(a, b)", 0, "select of 2", "select of 3"),
        ("min()", 4, "')'", "a number, a point"),
        ("on_delay(a, b)", 12, "'b'", "a duration"),
        ("on_delay(a, 0 s)", 12, "'0 s'", "a duration"),
        ("a = b", 2, "'='", "== to compare"),
        ("(a", 2, "the end", "')'"),
        ("a b", 2, "'b'", "an operator"),
        ("__import__('os')", 0, "'_'", "a number"),
        ("a.b.c", 3, "'.'", "an operator"),
        ("a; b", 1, "';'", "a number"),
        ("", 0, "the end", "a number"),
        ("(" * 3000, 60, "'('", "at most 60 levels"),
        ("-" * 3000 + "1", 61, "'-'", "at most 60 levels"),
        ("+".join(["1"] * 200), 122, "'1'", "at most 60 operators"),
        ("1" * 5000, 4000, "5000 characters", "at most 4000"),
    ],
)
def test_a_fault_is_told_at_its_character(text: str, position: int, found: str, expected: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.found == found
    assert expected in caught.value.expected
    assert caught.value.position == pytest.approx(position, abs=1)


def test_names_stand_once_in_the_order_of_their_first_use() -> None:
    expression = parse("b + battery-1.power - b * a")
    assert expression.names == ("b", "battery-1.power", "a")
    assert expression.positions == (0, 4, 26)


class Clocked:
    """One timer and its input, reading by reading."""

    def __init__(self, text: str) -> None:
        self.expression = parse(text)
        self.memory: tuple[object, ...] = (None,)
        self.wake_ms: int | None = None

    def wake(self) -> int | None:
        return self.wake_ms

    def at(self, now_ms: int, value: float, quality: int = GOOD) -> tuple[float, int]:
        outcome = evaluate(self.expression, [reading(value, quality)], self.memory, now_ms)  # type: ignore[arg-type]
        self.memory, self.wake_ms = outcome.memory, outcome.wake_ms
        return outcome.reading[:2]


def test_an_on_delay_follows_a_rise_late_and_a_fall_at_once() -> None:
    timer = Clocked("on_delay(a, 5 s)")
    assert timer.at(0, 0) == (0, GOOD)
    assert timer.at(1_000, 1) == (0, GOOD)
    assert timer.wake() == 6_000
    assert timer.at(5_999, 1) == (0, GOOD)
    assert timer.at(6_000, 1) == (1, GOOD)
    assert timer.wake() is None
    assert timer.at(6_500, 0) == (0, GOOD)


def test_an_off_delay_follows_a_fall_late_and_a_rise_at_once() -> None:
    timer = Clocked("off_delay(a, 2 s)")
    assert timer.at(0, 0) == (0, GOOD)
    assert timer.at(1_000, 1) == (1, GOOD)
    assert timer.at(2_000, 0) == (1, GOOD)
    assert timer.wake() == 4_000
    assert timer.at(4_000, 0) == (0, GOOD)


def test_a_pulse_has_its_length_whatever_the_input_does_meanwhile() -> None:
    timer = Clocked("pulse(a, 3 s)")
    assert timer.at(0, 0) == (0, GOOD)
    assert timer.at(1_000, 1) == (1, GOOD)
    assert timer.at(2_000, 0) == (1, GOOD)
    assert timer.at(2_500, 1) == (1, GOOD)  # while one runs, a rise begins no other
    assert timer.wake() == 4_000
    assert timer.at(4_000, 1) == (0, GOOD)
    assert timer.at(5_000, 0) == (0, GOOD)
    assert timer.at(6_000, 1) == (1, GOOD)


def test_elapsed_counts_the_seconds_that_something_is_true() -> None:
    timer = Clocked("elapsed(a)")
    assert timer.at(0, 0) == (0, GOOD)
    assert timer.at(1_000, 1) == (0, GOOD)
    assert timer.wake() == 2_000
    assert timer.at(8_500, 1) == (7.5, GOOD)
    assert timer.at(9_000, 0) == (0, GOOD)


def test_a_delay_that_was_not_watched_all_along_is_as_doubtful_as_what_was_seen_until_a_whole_one_was() -> None:
    timer = Clocked("on_delay(a, 5 s)")
    timer.at(0, 0)
    timer.at(1_000, 1, LOST)
    assert timer.at(2_000, 1) == (0, LOST)
    assert timer.at(6_000, 1) == (1, LOST)
    assert timer.wake() == 7_000
    assert timer.at(7_000, 1) == (1, GOOD)


def test_a_delay_that_begins_after_a_doubtful_one_was_over_is_not_doubtful_for_it() -> None:
    timer = Clocked("on_delay(a, 5 s)")
    timer.at(0, 1, LOST)
    assert timer.at(1_000, 0) == (0, GOOD)
    assert timer.at(2_000, 1) == (0, GOOD)
    assert timer.at(7_000, 1) == (1, GOOD)


@pytest.mark.parametrize("seen", [0, 1])
def test_whether_a_pulse_runs_is_doubtful_while_a_rise_may_have_been_missed(seen: float) -> None:
    timer = Clocked("pulse(a, 5 s)")
    timer.at(0, 0)
    timer.at(1_000, seen, LOST)
    timer.at(2_000, 0)
    assert timer.at(3_000, 1) == (1, LOST)  # it ends at 6 s or at 8 s


def nested_chains(chains: int, links: int) -> str:
    text = "x"
    for _ in range(chains):
        text = f"({text}{' + 1' * links})"
    return text


def test_chains_within_chains_do_not_grow_beyond_what_can_be_worked_out() -> None:
    assert worked_out(nested_chains(2, 60), x=reading(1)).reading.value == 121
    with pytest.raises(ExpressionError) as caught:
        parse(nested_chains(15, 60))
    assert (caught.value.found, caught.value.expected) == ("121 operators within each other", "at most 120")


def test_every_part_knows_where_it_begins() -> None:
    root = parse("  1 + (min(a, -b) - on_delay(c, 5 s))").root
    assert isinstance(root, Call)
    difference = root.arguments[1]
    assert isinstance(difference, Call)
    smallest, timer = difference.arguments
    assert isinstance(smallest, Call)
    assert [root.position, difference.position, timer.position] == [2, 7, 20]
    assert [part.position for part in smallest.arguments] == [11, 14]
