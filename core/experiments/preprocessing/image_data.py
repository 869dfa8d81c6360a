"""Images that the chapter's experiments share: digits, and colour images of 16x16 pixels.

And how they keep the directions of most variance.
"""

from dataclasses import replace

import numpy as np

from core.lab.datasets import (
    all_digits,
    cifar10_folder,
    load_cifar10,
    load_digits,
    shapes,
    stratified_split,
)
from core.lab.streams import streams
from core.nn.dataset import Dataset
from core.nn.preprocessing import PCA

IMAGES = ("digits", "shapes", *(("cifar10",) if cifar10_folder() else ()))  # that this host has


def draw_images(name: str, samples: int, most: int, *, seed: int) -> Dataset:
    """Return so many training images, of at most `most` that there could be, and new images.

    New ones are a fifth of all digits, otherwise a quarter of `most`. Values are 0 to 16 for
    digits, 0 to 255 for colours, those of a pixel side by side.
    """
    data, order = streams(seed, "data", "split")
    if name == "digits":
        x, y = all_digits()
        train, new = stratified_split(y, rng=order)
        images = replace(
            load_digits(), x_train=x[train], y_train=y[train], x_val=x[new], y_val=y[new]
        )
    else:
        images = colour_images(name, most * 5 // 4, rng=data)
    taken = order.choice(len(images.y_train), samples, replace=False)
    return replace(images, x_train=images.x_train[taken], y_train=images.y_train[taken])


def colour_images(name: str, n: int, *, rng: np.random.Generator) -> Dataset:
    """Return n images in two splits, 4 to 1: generated shapes, or CIFAR-10 at half its size."""
    folder = cifar10_folder()
    if name == "shapes" or folder is None:
        return shapes(n, rng=rng)
    halved = load_cifar10(folder, n * 4 // 5).map(at_half_size)
    return replace(halved, image_shape=(16, 16, 3))


def at_half_size(x: np.ndarray) -> np.ndarray:
    """Average squares of 2x2 pixels: (images, 32 * 32 * 3) to (images, 16 * 16 * 3)."""
    return x.reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4)).reshape(len(x), -1)


def first_directions(pca: PCA, count: int) -> PCA:
    """Keep the directions of most variance."""
    return PCA(pca.mean, pca.components[:, :count], pca.variance[:count], pca.scale[:count])
