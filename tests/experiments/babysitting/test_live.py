"""Live: a run in pieces is one run, changes act at once, it is capped, its advice is tested."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.babysitting.live.experiment import (
    ADVICE,
    CASES,
    CAUSES,
    PRESETS,
    advised,
    outcomes,
    wrong_cases,
)
from core.experiments.babysitting.live.picture import VIEWS
from core.experiments.babysitting.live.run import (
    EPOCHS,
    EVERY,
    MOMENTS,
    MOST,
    STARTS,
    STEPS,
    Config,
    Live,
    splits,
)
from core.lab.doctor import Cause
from core.lab.finding import Outcome

LIVE = load("babysitting", "live")
QUICK = Config(learning_rate=0.03, examples=60, hidden=2)
MOST_BYTES = 20_000_000  # of one visitor's run


def finished(config, *, by=7):
    """Return a run that was taken to its first pause in pieces."""
    run = Live(config)
    while not run.is_at_goal:
        run.advance(by)
    return run


def test_a_run_in_pieces_is_the_run_in_one():
    one, other = finished(QUICK, by=1000).result, finished(QUICK).result
    assert one.epoch[-1] == EPOCHS and one.step[-1] == EPOCHS * STEPS
    np.testing.assert_array_equal(one.batch_loss, other.batch_loss)
    np.testing.assert_array_equal(one.weights, other.weights)
    assert set(np.diff(one.step)) == {EVERY}


def test_single_steps_show_at_once_and_leave_the_moments_as_they_would_be():
    run = Live(QUICK)
    seen = []
    for _ in range(12):
        run.advance(1)
        seen.append(run.result.step.tolist())
    assert seen[2] == [0, 3] and seen[6] == [0, 5, 7] and seen[-1] == [0, 5, 10, 12]


def test_a_change_acts_from_the_next_step_on_and_is_marked():
    plain, changed = Live(QUICK), Live(QUICK)
    for run in (plain, changed):
        run.advance(20)
    changed.change(replace(QUICK, learning_rate=0.3))
    changed.change(replace(QUICK, learning_rate=0.003, reg=0.1))  # at once: one mark
    assert changed.result.changes.tolist() == pytest.approx(np.array([[20 / STEPS, 0.003, 0.1]]))
    for run in (plain, changed):
        run.advance(1)
    first, second = plain.result, changed.result
    np.testing.assert_array_equal(first.batch_loss, second.batch_loss)  # measured before the step
    assert second.update_ratio[-1, 0] < first.update_ratio[-1, 0]
    assert plain.is_as_begun and not changed.is_as_begun


def test_a_run_that_has_not_begun_takes_a_change_without_a_mark():
    run = Live(QUICK)
    run.change(replace(QUICK, learning_rate=0.1))
    assert run.is_as_begun and run.config.learning_rate == 0.1
    assert not run.fits(replace(QUICK, hidden=5)) and run.fits(replace(QUICK, reg=1.0))


def test_the_cap_ends_a_run_and_bounds_what_is_kept():
    run = Live(QUICK)
    for _ in range(2 * MOST // EPOCHS):
        run.extend()
        run.advance(10 * EPOCHS * STEPS)
    assert run.has_ended and run.epoch == MOST
    result = run.result
    assert len(result.step) <= MOMENTS and len(result.batch_loss) == MOST * STEPS
    assert np.all(np.diff(result.step) > 0) and result.step[-1] == MOST * STEPS
    kept = [array.nbytes for array in vars(result).values() if isinstance(array, np.ndarray)]
    moments = len(pickle.dumps(run._moments))
    assert sum(kept) + moments < MOST_BYTES / 10


def test_a_run_that_breaks_ends_and_can_be_drawn():
    run = Live(replace(QUICK, learning_rate=10.0, start="large", reg=1.0))
    run.advance(EPOCHS * STEPS)
    assert run.has_ended and not run.is_finite
    for view in Live.VIEWS:
        assert VIEWS[view](run.result, [run.result]).spec()
    assert run.note.name


@pytest.mark.parametrize("view", Live.VIEWS)
def test_the_marks_of_a_picture_stay_while_its_data_change(view):
    run = Live(QUICK)
    specs = []
    for steps in (0, 40, 100):
        run.advance(steps)
        spec = VIEWS[view](run.result, [run.result]).spec()
        specs.append({name: part for name, part in spec.items() if name != "datasets"})
    assert specs[0] == specs[1] == specs[2]


@pytest.mark.full
def test_the_doctor_names_what_is_wrong_with_the_presets():
    found = {name: finished(config).note.name for name, config in PRESETS.items()}
    assert len(set(found.values())) == len(PRESETS), found


def test_test_digits_are_nobody_elses_and_fewer_digits_are_among_more():
    few, x_test, y_test = splits(3, 60)
    many, _, same = splits(3, 1000)
    assert len(few.x_train) == 60 and len(x_test) == 400
    np.testing.assert_array_equal(few.y_train, many.y_train[:60])
    np.testing.assert_array_equal(y_test, same)
    rows = {part.tobytes() for part in np.round(x_test, 3)}
    assert not rows & {part.tobytes() for part in np.round(few.x_val, 3)}


def test_every_run_follows_its_own_advice_and_wrong_advice_is_another_kind():
    result = Live(Config()).result
    high, slow = (CAUSES.index(cause) for cause in (Cause.HIGH, Cause.SLOW))
    test = np.arange(len(CASES) * STARTS, dtype=float).reshape(len(CASES), STARTS)
    mixed = replace(result, test=test, causes=np.array([high] * 7 + [slow] * 5))
    assert advised(mixed) == ["slower"] * 7 + ["faster"] * 5
    after = outcomes(mixed)["advice"]
    np.testing.assert_array_equal(after[:7], test[CASES.index("slower"), :7])
    np.testing.assert_array_equal(after[7:], test[CASES.index("faster"), 7:])
    assert not {"slower", "much_slower", "faster"} & set(wrong_cases(mixed))
    assert set(ADVICE.values()) <= set(CASES)


def outcome_of(result, claim):
    return {f.claim: f.outcome for f in LIVE.findings(result)}.get(claim)


def test_advice_that_harms_fails_and_none_is_not_clear():
    result = Live(Config()).result
    slow = np.full(STARTS, CAUSES.index(Cause.SLOW))
    noise = 0.01 * np.resize([1, -1], STARTS)
    test = np.full((len(CASES), STARTS), 0.5)
    for gain, outcome in ((0.2, Outcome.HOLDS), (-0.2, Outcome.FAILS), (0.0, Outcome.UNCLEAR)):
        test[CASES.index("faster")] = 0.5 + gain + noise
        assert outcome_of(replace(result, test=test, causes=slow), "T11") is outcome


@pytest.mark.full
@pytest.mark.parametrize("preset", ["slow", "overfitting", "dying", "saturating"])
def test_advice_helps_more_than_other_advice_and_than_training_on(preset):
    for seed in (101, 102):
        result = LIVE.run(replace(PRESETS[preset], seed=seed))
        for claim in ("T11", "T11w", "T11l"):
            assert outcome_of(result, claim) is Outcome.HOLDS, (preset, seed, claim)
