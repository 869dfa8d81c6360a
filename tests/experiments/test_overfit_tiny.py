"""Claims T3 and T1 over several seeds: who learns twenty digits by heart, and who fails to."""

import pytest

from core.charts.babysitting.overfit_tiny import chart
from core.experiments.babysitting.overfit_tiny import LOSS, Config, findings, run

SEEDS = range(5)


def found(**knobs):
    return {f.claim: f for f in findings(run(Config(**knobs)))}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bug", ["flipped", "frozen"])
def test_t3_the_correct_network_learns_by_heart_and_the_broken_one_fails(bug, seed):
    claims = found(bug=bug, seed=seed)
    assert claims["T3"].holds and claims["T1"].holds
    assert claims["T3"].values["train_accuracy_correct"] == 1
    assert claims["T3"].values["data_loss_correct"] < LOSS


@pytest.mark.parametrize("seed", SEEDS)
def test_shuffled_signs_pass_the_check(seed):
    assert not found(bug="shuffled", seed=seed)["T1"].holds


@pytest.mark.parametrize("seed", SEEDS)
def test_too_small_a_rate_fails_the_check(seed):
    assert not found(learning_rate=0.001, seed=seed)["T3"].holds


def test_memorizing_is_not_learning():
    assert found()["T3"].values["val_accuracy_correct"] < 0.8


@pytest.mark.parametrize(("epochs", "step"), [(50, 1), (200, 2), (500, 5)])
def test_a_line_is_drawn_thinned_from_the_start_to_the_end(epochs, step):
    [panel], *_ = chart({"now": run(Config(epochs=epochs))})
    rows = max(panel.spec()["datasets"].values(), key=len)
    assert sorted(set(rows["epoch"])) == list(range(0, epochs + 1, step))
