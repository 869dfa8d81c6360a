"""Images: what is subtracted from them before training, and what that is worth.

The same network is trained on the same images as they are, without the mean image, without the mean
of every colour channel, with each channel also divided by its std, and whitened. Every version is
divided by one number, so that all are of one size, and is trained at its own best rate: for each
start the rate at which the other starts do best.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.preprocessing.image_data import draw_images, first_directions
from core.lab.columns import band, crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, numbers, seed
from core.lab.parts import portion
from core.lab.streams import streams
from core.lab.verdict import above, above_over_seeds, decided, opposite
from core.nn.dataset import Dataset
from core.nn.network import init_network, stack_networks
from core.nn.preprocessing import PCA, fit_center, fit_standardizer, fit_whitener
from core.nn.statistics import rms
from core.nn.training import Hyper, collect, train_many

Array = np.ndarray
Transform = Callable[[Array], Array]

COST = "training"
CASES = ("raw", "image", "channel", "std", "whitened")
RATES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
STARTS = 6
EXAMPLES = 2
HIDDEN, BATCH, EPOCHS, MOMENTUM = 50, 50, 5, 0.9
MOST_SAMPLES = 800

DRAW = 0.03  # by which a difference of accuracies scatters from one draw of 800 images to another
ADDS = 0.01  # P3c: accuracy that dividing by the std would have to add


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The images, how many of them, and how many directions the whitened ones have."""

    data: str = choice("shapes", ["shapes", "digits"])
    samples: int = numbers(800, [200, 400, 800])
    kept: int = numbers(200, [50, 100, 200])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What is shown of the images, and how they are learned.

    shape: of an image; originals: (EXAMPLES, features) new images; whitened: (EXAMPLES, features)
    those whitened and turned back to pixels; mean: (features,) of the training images, std:
    (channels,). directions: of the whitened images. brightness: (2,) std over images of an image's
    own mean, before and after the mean image is subtracted. loss: (CASES, RATES, STARTS, EPOCHS +
    1) on the training images; accuracy: the same of new ones.
    """

    config: Config
    shape: Array
    originals: Array
    whitened: Array
    mean: Array
    std: Array
    directions: int
    brightness: Array
    loss: Array
    accuracy: Array

    @property
    def channel_mean(self) -> Array:
        """Return (channels,) means, those of the mean image."""
        return self.mean.reshape(-1, len(self.std)).mean(axis=0)

    @property
    def stored(self) -> dict[str, int]:
        """Return how many numbers each way must store."""
        pixels, channels = len(self.mean), len(self.std)
        counts = 0, pixels, channels, 2 * channels, pixels + (pixels + 1) * self.directions
        return dict(zip(CASES, counts))

    def at_best(self, values: Array) -> Array:
        """Return (CASES, STARTS, moments) of values (CASES, RATES, STARTS, moments).

        At the rate that gives the other starts the best accuracy in the end.
        """
        final = self.accuracy[..., -1]
        others = final.sum(axis=-1, keepdims=True) - final
        best = others.argmax(axis=1)[:, None, :, None]
        chosen: Array = np.take_along_axis(values, best, axis=1)[:, 0]
        return chosen


def channels_of(images: Dataset) -> int:
    """Return how many numbers a pixel has."""
    return int(np.prod(images.image_shape[2:]))


def transforms(images: Dataset, kept: int) -> tuple[dict[str, Transform], PCA]:
    """Return what each case does to images (samples, features), learned on the training images.

    And the whitener: its directions are the first `kept`.
    """

    def pixels(x: Array) -> Array:
        return x.reshape(-1, channels_of(images))

    center, standardize = (fit(pixels(images.x_train)) for fit in (fit_center, fit_standardizer))
    whitener = first_directions(fit_whitener(images.x_train), kept)
    return {
        "raw": lambda x: x,
        "image": fit_center(images.x_train).transform,
        "channel": lambda x: center.transform(pixels(x)).reshape(x.shape),
        "std": lambda x: standardize.transform(pixels(x)).reshape(x.shape),
        "whitened": whitener.transform,
    }, whitener


def at_one_size(images: Dataset) -> Dataset:
    """Divide all by one number, so that the squares of the training images average 1."""
    size = rms(images.x_train)
    return images.map(lambda x: (x / size).astype(np.float32))


def train_case(images: Dataset, config: Config) -> Generator[float, None, tuple[Array, Array]]:
    """Train STARTS networks at every rate as one stack.

    Return loss and accuracy, (RATES, STARTS, EPOCHS + 1) each. A run that diverged has learned
    nothing: its numbers stay those of the start.
    """
    weights, batches = streams(config.seed, "weights", "batches")
    sizes = (images.x_train.shape[1], HIDDEN, images.classes)
    drawn = [
        init_network(sizes, "he", "relu", rng=rng, dtype=np.float32)
        for rng in weights.spawn(STARTS)
    ]
    records = train_many(
        stack_networks(drawn * len(RATES)),
        images,
        Hyper(learning_rate=np.repeat(RATES, STARTS), momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=batches,
        abandon=True,
    )
    seen = yield from collect(records, "data_loss", "val_accuracy", epochs=EPOCHS)
    failed = seen["exploded"] | seen["non_finite"]
    values = np.stack([seen["data_loss"], seen["val_accuracy"]])
    values[:, failed] = values[:, failed, :1]
    loss, accuracy = values.reshape(2, len(RATES), STARTS, EPOCHS + 1).astype(np.float32)
    return loss, accuracy


def steps(config: Config) -> Generator[float, None, Result]:
    """Train case by case; yield the share done and return the Result."""
    images = draw_images(config.data, config.samples, MOST_SAMPLES, seed=config.seed)
    prepared, whitener = transforms(images, config.kept)
    trained = []
    for done, transform in enumerate(prepared.values()):
        work = train_case(at_one_size(images.map(transform)), config)
        trained.append((yield from portion(work, done / len(CASES), 1 / len(CASES))))
    loss, accuracy = (np.stack(values) for values in zip(*trained))
    x, originals = images.x_train, images.x_val[:EXAMPLES]
    without = prepared["image"](x)
    return Result(
        config=config,
        shape=np.array(images.image_shape),
        originals=originals.astype(np.uint8),
        whitened=(whitener.transform(originals) @ whitener.components.T).astype(np.float16),
        mean=whitener.mean.astype(np.float32),
        std=fit_standardizer(x.reshape(-1, channels_of(images))).scale,
        directions=len(whitener.variance),
        brightness=np.array([x.mean(axis=1).std(), without.mean(axis=1).std()]),
        loss=loss,
        accuracy=accuracy,
    )


def better(accuracy: Array, other: Array, samples: int, bar: float = 0.0) -> Outcome:
    """Tell whether accuracies (STARTS,) are better than others by more than the bar.

    Starts are paired, and the images are one draw: not clear unless both margins agree. samples:
    of the training images; with fewer the draw matters more.
    """
    gain, margin = accuracy - other, DRAW * (MOST_SAMPLES / samples) ** 0.5
    by_starts, by_draw = above_over_seeds(gain, bar), above(float(gain.mean()), bar, margin)
    return by_starts if by_starts is by_draw else Outcome.UNCLEAR


def findings(result: Result) -> tuple[Finding, ...]:
    """P3: the mean is worth removing; three numbers; no std; no whitening. E3: whose mean."""
    final = dict(zip(CASES, result.at_best(result.accuracy)[..., -1]))
    colours = len(result.std) > 1  # with one channel its std is one number for all
    return (
        _mean(result, final),
        _numbers(result),
        *([_std(result, final)] if colours else []),
        _whitened(result, final),
        _own_mean(result),
    )


def _mean(result: Result, final: Mapping[str, Array]) -> Finding:
    """Hold the accuracy without the channel means against that of raw images."""
    ahead = better(final["image"], final["channel"], result.config.samples)
    loss = dict(zip(CASES, result.at_best(result.loss)[..., -1].mean(axis=-1)))
    return Finding(
        claim="P3",
        outcome=better(final["channel"], final["raw"], result.config.samples),
        because="image" if ahead is Outcome.HOLDS else "",
        values={
            **{name: accuracy.mean() for name, accuracy in final.items()},
            "loss": loss["channel"],
            "raw_loss": loss["raw"],
            "few": result.stored["channel"],
            "many": result.stored["image"],
        },
    )


def _numbers(result: Result) -> Finding:
    """Count what has to be stored."""
    stored = result.stored
    return Finding(
        claim="P3b",
        outcome=decided(stored["channel"] < stored["image"] < stored["whitened"]),
        identity=True,
        values={"few": stored["channel"], "many": stored["image"], "whitened": stored["whitened"]},
    )


def _std(result: Result, final: Mapping[str, Array]) -> Finding:
    """Ask whether dividing by the std adds to the accuracy."""
    return Finding(
        claim="P3c",
        outcome=opposite(better(final["std"], final["channel"], result.config.samples, ADDS)),
        values={"std": final["std"].mean(), "channel": final["channel"].mean(), "bar": ADDS},
    )


def _whitened(result: Result, final: Mapping[str, Array]) -> Finding:
    """Ask whether whitening costs accuracy."""
    return Finding(
        claim="P3d",
        outcome=better(final["channel"], final["whitened"], result.config.samples),
        values={
            "whitened": final["whitened"].mean(),
            "channel": final["channel"].mean(),
            "stored": result.stored["whitened"],
        },
    )


def _own_mean(result: Result) -> Finding:
    """E3: subtracting each image's own mean would make all images equally bright."""
    before, after = result.brightness
    return Finding(
        claim="E3",
        outcome=decided(after < before / 2),
        misreading=True,
        values={"before": before, "after": after},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per case, per case and epoch, and per case and rate."""
    accuracy, loss = (result.at_best(values) for values in (result.accuracy, result.loss))
    moments = np.arange(EPOCHS + 1)
    return {
        "cases": {
            "case": list(CASES),
            "stored": list(result.stored.values()),
            **band("accuracy", accuracy[..., -1], axis=1),
            **band("loss", loss[..., -1], axis=1),
        },
        "epochs": {
            **crossed(case=CASES, epoch=moments),
            **band("accuracy", accuracy, axis=1),
            **band("loss", loss, axis=1),
        },
        "rates": {
            **crossed(case=CASES, rate=RATES, start=np.arange(STARTS)),
            "accuracy": result.accuracy[..., -1].ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "few": Config(samples=200),
    "digits": Config(data="digits"),
}
SMALL = Config(data="digits", samples=200)
SHOWN = (fit_center, fit_standardizer, fit_whitener, transforms, at_one_size)
