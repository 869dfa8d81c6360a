"""Claim P3 and misreading E3: what is subtracted from images, on fresh seeds where they decide."""

from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from core.experiments.preprocessing import image_data
from core.experiments.preprocessing.image_data import at_half_size, colour_images, draw_images
from core.experiments.preprocessing.images import experiment
from core.experiments.preprocessing.images.experiment import (
    CASES,
    EPOCHS,
    MOST_SAMPLES,
    RATES,
    SMALL,
    STARTS,
    Config,
    at_one_size,
    better,
    findings,
    transforms,
)
from core.experiments.preprocessing.images.picture import VIEWS, setting
from core.lab.experiment import Experiment
from core.lab.finding import Outcome
from core.lab.words import heading, sentence
from core.nn.dataset import Dataset
from tests.experiments.seeds import FRESH, each_seed

EXPERIMENT = Experiment("preprocessing", "images")
WORDS = EXPERIMENT.words


def found(result):
    return {f.claim: f for f in findings(result)}


@cache
def ran(**knobs):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(Config(**knobs) if knobs else SMALL)


def with_accuracy(**by_case):
    """Return a Result in which the starts of a case end with these accuracies, at every rate."""
    accuracy = np.zeros((len(CASES), len(RATES), STARTS, EPOCHS + 1), np.float32)
    for case, values in by_case.items():
        accuracy[CASES.index(case), ..., -1] = values
    config = Config(samples=MOST_SAMPLES)
    return replace(ran(), config=config, std=np.ones(3), mean=np.arange(768.0), accuracy=accuracy)


def shapes(samples=200):
    return draw_images("shapes", samples, MOST_SAMPLES, seed=3)


def test_what_is_subtracted_is_scikit_learn_s():
    images = shapes()
    prepared, _ = transforms(images, 50)
    x, new = images.x_train, images.x_val
    per_image = StandardScaler(with_std=False).fit(x)
    np.testing.assert_allclose(prepared["image"](new), per_image.transform(new), atol=1e-9)
    for case, with_std in (("channel", False), ("std", True)):
        peer = StandardScaler(with_std=with_std).fit(x.reshape(-1, 3))
        expected = peer.transform(new.reshape(-1, 3)).reshape(new.shape)
        np.testing.assert_allclose(prepared[case](new), expected, atol=1e-9)
    assert prepared["whitened"](new).shape == (len(new), 50)


def test_all_cases_are_of_one_size():
    images = shapes()
    for transform in transforms(images, 50)[0].values():
        scaled = at_one_size(images.map(transform))
        assert (scaled.x_train.astype(float) ** 2).mean() == pytest.approx(1, rel=1e-3)


def test_p3_three_numbers_against_768():
    result = with_accuracy()
    assert list(result.stored.values())[:4] == [0, 768, 3, 6]
    p3b = found(result)["P3b"]
    assert p3b.holds and p3b.identity
    assert "768 against 3" in sentence(WORDS, p3b, asdict(result.config))


@pytest.mark.parametrize(
    "channel, raw, image, outcome, because",
    [
        (0.9, 0.8, 0.85, Outcome.HOLDS, ""),
        (0.9, 0.8, 0.95, Outcome.HOLDS, "image"),
        (0.82, 0.8, 0.8, Outcome.UNCLEAR, ""),
        (0.7, 0.8, 0.8, Outcome.FAILS, "image"),
    ],
)
def test_p3_near_its_margin(channel, raw, image, outcome, because):
    jitter = np.linspace(-0.004, 0.004, STARTS)
    result = with_accuracy(channel=channel + jitter, raw=raw, image=image)
    p3 = found(result)["P3"]
    assert (p3.outcome, p3.because) == (outcome, because)
    assert heading(WORDS, [p3], asdict(result.config))


def test_a_difference_must_be_larger_than_starts_and_draws_scatter():
    other = np.full(STARTS, 0.5)
    noisy = other + np.array([0.3, -0.2, 0.2, -0.1, 0.2, 0.0])
    assert better(noisy, other, 800) is Outcome.UNCLEAR  # starts
    assert better(other + 0.02, other, 800) is Outcome.UNCLEAR  # draws
    assert better(other + 0.05, other, 800) is Outcome.HOLDS
    assert better(other + 0.05, other, 200) is Outcome.UNCLEAR  # fewer images, larger scatter
    assert better(other - 0.05, other, 800) is Outcome.FAILS


def test_dividing_by_the_std_of_one_channel_is_no_claim():
    assert "P3c" not in found(ran())
    for std, outcome in ((0.95, Outcome.FAILS), (0.85, Outcome.HOLDS), (0.91, Outcome.UNCLEAR)):
        assert found(with_accuracy(channel=0.9, std=std))["P3c"].outcome is outcome


def test_a_run_that_diverges_has_learned_nothing(monkeypatch):
    monkeypatch.setattr(experiment, "RATES", (0.05, 1e3))
    result = EXPERIMENT.run(SMALL)
    assert np.isfinite(result.loss).all() and np.isfinite(result.accuracy).all()
    for values in (result.loss, result.accuracy):
        np.testing.assert_array_equal(values[:, 1], np.broadcast_to(values[:, 1, :, :1], (5, 6, 6)))
    assert (result.at_best(result.accuracy)[..., -1] > 0.5).all()


def test_each_start_takes_the_rate_at_which_the_others_do_best():
    result = with_accuracy()
    result.accuracy[0, 1, 1:, -1] = 0.9  # the first start alone is bad at this rate,
    result.accuracy[0, 2, 0, -1] = 1.0  # and good at another
    assert result.at_best(result.accuracy)[0, :, -1].tolist() == pytest.approx([0] + [0.9] * 5)


@each_seed
def test_e3_the_mean_image_leaves_bright_images_bright(seed):
    images = draw_images("shapes", 200, MOST_SAMPLES, seed=seed)
    without = transforms(images, 50)[0]["image"](images.x_train)
    before, after = (x.mean(axis=1).std() for x in (images.x_train, without))
    assert after == pytest.approx(before)
    e3 = found(replace(ran(), brightness=np.array([before, after])))["E3"]
    assert e3.misreading and e3.outcome is Outcome.FAILS
    assert found(replace(ran(), brightness=np.array([before, 0.0])))["E3"].holds


def test_colours_keep_their_place_when_images_are_halved():
    pixels = np.arange(32 * 32 * 3.0).reshape(1, 32, 32, 3)
    halved = at_half_size(pixels.reshape(1, -1)).reshape(16, 16, 3)
    assert halved[0, 0].tolist() == pixels[0, :2, :2].mean(axis=(0, 1)).tolist()
    assert halved[3, 5].tolist() == pixels[0, 6:8, 10:12].mean(axis=(0, 1)).tolist()


def test_cifar10_is_taken_where_the_host_has_it(monkeypatch, tmp_path):
    def load(folder, n):
        assert folder == tmp_path
        x, y = np.zeros((n, 3072)), np.zeros(n, int)
        return Dataset("cifar10", x, y, x[:2], y[:2], classes=10, image_shape=(32, 32, 3))

    monkeypatch.setattr(image_data, "cifar10_folder", lambda: tmp_path)
    monkeypatch.setattr(image_data, "load_cifar10", load)
    images = colour_images("cifar10", 10, rng=np.random.default_rng(0))
    assert images.x_train.shape == (8, 768) and images.image_shape == (16, 16, 3)


def test_the_setting_keeps_the_outcome_to_itself():
    assert "gets right" not in setting(ran()).chart.to_json()
    assert "gets right" in VIEWS["grid"](ran(), [ran()]).chart.to_json()


@pytest.mark.full
def test_p3_three_numbers_are_worth_it_on_shapes():
    """Seed 205 is not clear: its raw starts scatter from 0.73 to 0.86."""
    seen = [found(ran(seed=seed)) for seed in FRESH]
    assert sum(f["P3"].holds for f in seen) >= 4
    for f in seen:
        p3, p3d = f["P3"], f["P3d"]
        assert p3.outcome is not Outcome.FAILS
        assert p3.values["channel"] > p3.values["raw"] + 0.04
        assert p3.values["loss"] < 0.6 * p3.values["raw_loss"]
        assert p3d.holds and p3d.values["channel"] > p3d.values["whitened"] + 0.1


@pytest.mark.full
@each_seed
def test_p3_on_digits_the_mean_matters_little(seed):
    p3 = found(ran(data="digits", seed=seed))["P3"]
    assert abs(p3.values["channel"] - p3.values["raw"]) < 0.05
