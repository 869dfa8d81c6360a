"""Conv: which activations of a convolutional layer share one mean, and why it is one per channel.

Random 3x3 filters see a batch of digits. Their maps go through batch norm once as a convolutional
layer's (a mean per channel) and once as a fully connected one's (a mean per value of an example).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import load_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, integer, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above, decided
from core.nn.layers import batchnorm_forward, spatial_batchnorm_forward

COST = "instant"
SIDE, BRIGHTEST = 8, 16  # px of a digit, and its brightest pixel
FILTER = 3  # px
DRAWN = 2  # examples
KINDS = ("conv", "fully_connected")
CONV, FULLY_CONNECTED = range(len(KINDS))
EPS = 1e-5
Forward = Callable[..., tuple[np.ndarray, Any]]

ROUNDING = 1e-10  # what is the same differs by 1e-14
CHANGED = 0.2, 0.1  # E23: change of an output that a shift brings about, 0.7 to 2.4


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The batch, the layer's channels, and by how much the first image is shifted."""

    batch_size: int = numbers(16, [4, 16, 64])
    channels: int = numbers(3, [1, 2, 3])
    shift: int = integer(2, 0, 4)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Batch norm of maps (examples, channels, SIDE, SIDE), of both KINDS.

    maps: (DRAWN, channels, SIDE, SIDE) before it; means: (KINDS,) how many there are; flattened:
    difference of batch norm per channel from that of (examples * SIDE * SIDE, channels);
    channel_mean: largest mean of a channel of the output; map_spread: std of the means of its
    single maps; training_mean: largest mean of a channel if all training digits go through with
    the batch's statistics. shifted: (KINDS, 2, SIDE, SIDE) the first channel of the first example's
    output, as it is and, its image having been shifted, shifted back; changed: (KINDS,) root mean
    square difference of the two, over all channels.
    """

    config: Config
    maps: np.ndarray
    means: np.ndarray
    flattened: float
    channel_mean: float
    map_spread: float
    training_mean: float
    shifted: np.ndarray
    changed: np.ndarray


def filtered(images: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Return maps (examples, channels, side, side) of images (examples, side, side).

    filters: (channels, FILTER, FILTER). What leaves the image on one side comes in on the other.
    """
    maps = np.zeros((len(images), len(filters), *images.shape[1:]))
    for row, column in np.ndindex(FILTER, FILTER):
        moved = np.roll(images, (row - 1, column - 1), axis=(1, 2))
        maps += filters[:, row, column, None, None] * moved[:, None]
    return maps


def batchnorm(x: np.ndarray, forward: Forward) -> tuple[np.ndarray, np.ndarray]:
    """Return x (examples, features, ...) normalized by a layer's forward pass, and its means."""
    one = np.ones((1, x.shape[1]))
    running = {"mean": 0 * one, "var": one.copy()}
    out, _ = forward(x, one, 0 * one, running, training=True, bn_momentum=1.0, eps=EPS)
    return out, running["mean"]  # with a momentum of 1 those of this batch


def per_channel(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return batch norm of maps as a convolutional layer's, and its means (1, channels)."""
    return batchnorm(maps, spatial_batchnorm_forward)


def per_value(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return batch norm of maps as a fully connected layer's, and its means (1, values)."""
    out, means = batchnorm(maps.reshape(len(maps), -1), batchnorm_forward)
    return out.reshape(maps.shape), means


def run(config: Config) -> Result:
    """Normalize the maps of a batch both ways, with its first image as it is and shifted."""
    data, weights = streams(config.seed, "data", "weights")
    digits = load_digits().x_train.reshape(-1, SIDE, SIDE) / BRIGHTEST
    filters = weights.standard_normal((config.channels, FILTER, FILTER)) / FILTER
    images = digits[data.permutation(len(digits))[: config.batch_size]]
    moved = images.copy()
    moved[0] = np.roll(images[0], config.shift, axis=1)
    maps, moved_maps = filtered(images, filters), filtered(moved, filters)
    (conv, means), (fully, many_means) = per_channel(maps), per_value(maps)
    flat = maps.transpose(0, 2, 3, 1).reshape(-1, config.channels)
    flattened = (flat - flat.mean(axis=0)) / np.sqrt(flat.var(axis=0) + EPS)
    back = [
        np.roll(normalize(moved_maps)[0][0], -config.shift, axis=2)
        for normalize in (per_channel, per_value)
    ]
    pairs = np.stack([[conv[0], back[CONV]], [fully[0], back[FULLY_CONNECTED]]])
    everything = filtered(digits, filters).mean(axis=(0, 2, 3))
    return Result(
        config=config,
        maps=maps[:DRAWN],
        means=np.array([means.size, many_means.size]),
        flattened=float(np.abs(conv.transpose(0, 2, 3, 1).reshape(flat.shape) - flattened).max()),
        channel_mean=float(np.abs(conv.mean(axis=(0, 2, 3))).max()),
        map_spread=float(conv.mean(axis=(2, 3)).std()),
        training_mean=float(np.abs((everything - means) / flat.std(axis=0)).max()),
        shifted=pairs[:, :, 0],
        changed=np.sqrt(((pairs[:, 1] - pairs[:, 0]) ** 2).mean(axis=(1, 2, 3))),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """B3: one mean per channel. E22: per example or map. E23: to save cost."""
    config, (conv, fully) = result.config, result.means
    values = SIDE * SIDE * config.channels
    counted = conv == config.channels and fully == values
    found = [
        Finding(
            claim="B3",
            outcome=decided(counted and result.flattened < ROUNDING),
            identity=True,
            values={
                "conv": conv,
                "fully": fully,
                "flattened": result.flattened,
                "shared": config.batch_size * SIDE * SIDE,
            },
        ),
        Finding(
            claim="E22",
            outcome=decided(min(result.map_spread, result.training_mean) < ROUNDING),
            misreading=True,
            values={
                "channel": result.channel_mean,
                "spread": result.map_spread,
                "training": result.training_mean,
            },
        ),
    ]
    if config.shift:
        found.append(_shift(result))
    return tuple(found)


def _shift(result: Result) -> Finding:
    """E23: hold what a shift changes with a mean per position against nothing with one each."""
    conv, fully = result.changed
    bar, margin = CHANGED
    return Finding(
        claim="E23",
        outcome=above(bar, fully - conv, margin),
        misreading=True,
        values={
            "conv": conv,
            "fully": fully,
            "few": result.means[CONV],
            "many": result.means[FULLY_CONNECTED],
        },
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per value of the drawn maps, and of the shifted outputs."""
    side = np.arange(SIDE)
    channels = np.arange(result.config.channels)
    return {
        "maps": {
            **crossed(example=np.arange(DRAWN), channel=channels, row=side, column=side),
            "value": result.maps.ravel(),
        },
        "shifted": {
            **crossed(kind=KINDS, image=("as it is", "shifted"), row=side, column=side),
            "value": result.shifted.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "one": Config(channels=1),
    "large": Config(batch_size=64),
}
SMALL = Config(batch_size=4)
SHOWN = (spatial_batchnorm_forward, batchnorm_forward, filtered, batchnorm)
