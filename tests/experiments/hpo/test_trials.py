"""The trials that the chapter's experiments share: splits, starting weights, what is abandoned."""

import numpy as np
import pytest

from core.experiments.hpo.trials import (
    BATCH,
    TRAIN,
    VAL,
    accuracy_on_test,
    draw_network,
    split_digits,
    train_trials,
    watch_trials,
)
from core.nn.network import forward
from core.nn.training import Hyper


@pytest.fixture(scope="module")
def split():
    return split_digits(np.random.default_rng(0))


def trained(split, rates, **options):
    training = train_trials(
        draw_network(len(rates), np.random.default_rng(1)),
        split.data,
        Hyper(learning_rate=np.array(rates), momentum=0.9),
        epochs=2,
        rng=np.random.default_rng(2),
        **options,
    )
    while True:
        try:
            next(training)
        except StopIteration as stop:
            return stop.value


def test_the_three_splits_share_no_digit_and_lose_none(split):
    parts = (split.data.x_train, split.data.x_val, split.x_test)
    assert [len(part) for part in parts] == [TRAIN, VAL, 1797 - TRAIN - VAL]
    seen = [{row.tobytes() for row in part} for part in parts]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    np.testing.assert_allclose(split.data.x_train.mean(axis=0), 0, atol=1e-5)


def test_a_narrower_network_is_one_of_its_own_width(split):
    wide = draw_network(2, np.random.default_rng(3), hidden=np.array([5, 20]))
    own = draw_network(1, np.random.default_rng(3), hidden=20)
    into, out = (layer["weight"] for layer in wide.layers)
    assert (into[0, :, 5:] == 0).all() and (out[0, 5:] == 0).all()
    assert out[0, :5].std() == pytest.approx((2 / 5) ** 0.5, rel=0.25)
    np.testing.assert_array_equal(
        forward(wide, split.x_test)[0][1], forward(own, split.x_test)[0][0]
    )
    rates = Hyper(learning_rate=np.array([0.1, 0.1]))
    for _ in watch_trials(wide, split.data, rates, epochs=1, rng=np.random.default_rng(4)):
        pass
    assert (into[0, :, 5:] == 0).all() and (out[0, 5:] == 0).all()


def test_what_explodes_is_abandoned_and_the_rest_as_without(split):
    rates = [0.01, 30.0, 0.1]
    stopped, whole = trained(split, rates), trained(split, rates, abandon=False)
    assert stopped.failed.tolist() == [False, True, False]
    assert stopped.exploded[1] > 0
    assert stopped.steps.tolist() == [2 * TRAIN // BATCH, TRAIN // BATCH, 2 * TRAIN // BATCH]
    assert np.isnan(stopped.val_accuracy[1, 2])
    np.testing.assert_array_equal(stopped.val_accuracy[[0, 2]], whole.val_accuracy[[0, 2]])


def test_a_stack_that_ends_early_has_its_moments_all_the_same(split):
    trials = trained(split, [50.0, 60.0])
    assert trials.val_accuracy.shape == trials.data_loss.shape == (2, 3)
    assert trials.share == 0.5


def test_the_third_split_tells_what_trials_are_worth(split):
    accuracy = accuracy_on_test(trained(split, [0.0, 0.1]).network, split)
    assert accuracy[0] < 0.3 and accuracy[1] > 0.85
