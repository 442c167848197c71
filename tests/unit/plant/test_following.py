import numpy as np

from vppscada.plant.following import STRIKES, Following, observe

RATING = np.array([10.0])
WATCHED = np.array([True])


SLIGHTLY_OFF = 7.5  # of 8: five percent of rating
FAR_OFF = 5.0


def run(power: float, told: tuple[float, float], cycles: int, memory: Following | None = None) -> Following:
    state = memory or Following.fresh(1)
    for cycle in range(cycles):
        state = observe(
            state, np.array([power]), np.array([told[0]]), np.array([told[1]]), RATING, WATCHED, float(cycle), 30.0
        )
    return state


def test_three_cycles_off_make_a_non_follower() -> None:
    assert run(SLIGHTLY_OFF, (8.0, 8.0), STRIKES - 1).follows(3.0)[0]
    assert not run(SLIGHTLY_OFF, (8.0, 8.0), STRIKES).follows(3.0)[0]


def test_far_off_two_cycles_will_do() -> None:
    assert run(FAR_OFF, (8.0, 8.0), 1).follows(3.0)[0]
    assert not run(FAR_OFF, (8.0, 8.0), 2).follows(3.0)[0]


def test_it_is_probed_again_later() -> None:
    caught = run(SLIGHTLY_OFF, (8.0, 8.0), STRIKES)
    assert caught.follows(2.0 + 30.0)[0]


def test_within_two_percent_of_rating_is_following() -> None:
    assert run(7.85, (8.0, 8.0), 20).follows(20.0)[0]


def test_between_two_setpoints_is_following() -> None:
    assert run(6.0, (4.0, 8.0), 20).follows(20.0)[0]


def test_one_good_cycle_wipes_the_strikes() -> None:
    state = run(SLIGHTLY_OFF, (8.0, 8.0), STRIKES - 1)
    state = run(8.0, (8.0, 8.0), 1, state)
    assert run(SLIGHTLY_OFF, (8.0, 8.0), STRIKES - 1, state).follows(3.0)[0]


def test_an_unwatched_asset_is_not_judged() -> None:
    state = Following.fresh(1)
    for _ in range(5):
        state = observe(
            state, np.array([np.nan]), np.array([8.0]), np.array([8.0]), RATING, np.array([False]), 0.0, 30.0
        )
    assert state.follows(0.0)[0]
