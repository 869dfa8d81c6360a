"""Data sets, all as one Dataset with a fixed or drawn validation split.

Real ones: the digits, shipped (source and licence in data/README.md), and CIFAR-10 where the host
has its binary files; DataError says what is wrong with a file. Generated ones: points in the plane
and small color images. The arrays are read-only: callers share them.
"""

import os
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np

from core.nn.dataset import Dataset
from core.nn.preprocessing import fit_standardizer

Array = np.ndarray

DATA = Path(__file__).parents[1] / "data"
DIGITS = DATA / "digits.npz"
VAL_SHARE = 0.2
SPLIT_SEED = 6

CIFAR10_FILES = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
CIFAR10_IMAGES = 10_000  # in each file
CIFAR10_BYTES = 1 + 3 * 32 * 32  # of an image: its label, then red, green and blue planes


class DataError(ValueError):
    """A data file that is missing or broken; the message names it."""


def stratified_split(labels: Array, *, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return train and validation indices: the same share of every class is held out."""
    members = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    held_out = np.sort(np.concatenate([m[: round(VAL_SHARE * len(m))] for m in members]))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


def split(
    name: str, x: Array, y: Array, image_shape: tuple[int, ...] = (), *, rng: np.random.Generator
) -> Dataset:
    """Split features and labels into a Dataset."""
    train, val = stratified_split(y, rng=rng)
    parts = x[train], y[train], x[val], y[val]
    return read_only(Dataset(name, *parts, classes=int(y.max()) + 1, image_shape=image_shape))


def read_only(data: Dataset) -> Dataset:
    """Make the arrays of a Dataset read-only and return it."""
    for array in (data.x_train, data.y_train, data.x_val, data.y_val):
        array.setflags(write=False)
    return data


@cache
def load_digits() -> Dataset:
    """Return 1,797 real 8x8 images of handwritten digits, values 0 to 16, in 10 classes."""
    try:
        with np.load(BytesIO(DIGITS.read_bytes()), allow_pickle=False) as stored:
            x, y = stored["images"].reshape(1797, 64), stored["labels"].reshape(1797)
    except FileNotFoundError:
        raise DataError(f"the data file {DIGITS.name} is missing") from None
    except Exception as error:  # a damaged archive can raise nearly anything
        raise DataError(f"the data file {DIGITS.name} is damaged: {error}") from None
    rng = np.random.default_rng(SPLIT_SEED)
    return split("digits", x.astype(np.float64), y.astype(int), (8, 8), rng=rng)


@cache
def all_digits() -> tuple[Array, Array]:
    """Return the images (1797, 64) and the labels of all digits, to be split in another way."""
    digits = load_digits()
    x = np.concatenate([digits.x_train, digits.x_val])
    y = np.concatenate([digits.y_train, digits.y_val])
    for array in (x, y):
        array.setflags(write=False)
    return x, y


@cache
def standardized_digits() -> Dataset:
    """Return the digits, each pixel standardized by mean and std of the training split."""
    digits = load_digits()
    return read_only(digits.map(fit_standardizer(digits.x_train).transform))


def spirals(n: int, *, rng: np.random.Generator, noise: float = 0.2, classes: int = 3) -> Dataset:
    """Return n points on `classes` spiral arms, within radius 1; noise is in radians."""
    y = np.arange(n) % classes
    radius = np.sqrt(rng.random(n))
    angle = 4 * radius + 2 * np.pi * y / classes + noise * rng.standard_normal(n)
    x = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    return split("spirals", x, y, rng=rng)


def moons(n: int, *, rng: np.random.Generator, noise: float = 0.1) -> Dataset:
    """Return n points on two interleaving half circles, centred on 0."""
    y = np.arange(n) % 2
    angle = np.pi * rng.random(n)
    sign = 1 - 2 * y
    x = np.stack([sign * (np.cos(angle) - 0.5), sign * (np.sin(angle) - 0.25)], axis=-1)
    return split("moons", x + noise * rng.standard_normal((n, 2)), y, rng=rng)


def xor(n: int, *, rng: np.random.Generator, gap: float = 0.1) -> Dataset:
    """Return n points of a square; the class tells whether the signs of x1 and x2 differ.

    gap: distance of all points from the axes, of 1.
    """
    quadrant = np.arange(n) % 4
    signs = 1 - 2 * np.stack([quadrant % 2, quadrant // 2], axis=-1)
    x = signs * (gap + (1 - gap) * rng.random((n, 2)))
    return split("xor", x, (signs.prod(axis=-1) < 0).astype(int), rng=rng)


def blobs(n: int, *, rng: np.random.Generator, noise: float = 0.3, classes: int = 3) -> Dataset:
    """Return n points in `classes` Gaussian clouds of std `noise` around the unit circle."""
    y = np.arange(n) % classes
    angle = 2 * np.pi * y / classes
    center = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    return split("blobs", center + noise * rng.standard_normal((n, 2)), y, rng=rng)


PLANE_DATA: dict[str, Callable[..., Dataset]] = {
    "xor": xor,
    "spirals": spirals,
    "moons": moons,
    "blobs": blobs,
}


def plane_grid(extent: float, cells: int) -> Array:
    """Return (cells^2, 2) the middles of the cells of a square around 0, row by row from below."""
    axis = (np.arange(cells) + 0.5) / cells * 2 * extent - extent
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


# Ten figures on a square: u and v run over -1 to 1 from its left and top, r is the distance from
# its middle. True inside the figure.
SHAPES: dict[str, Callable[[Array, Array, Array], Array]] = {
    "disc": lambda u, v, r: r < 0.9,
    "ring": lambda u, v, r: abs(r - 0.7) < 0.25,
    "square": lambda u, v, r: np.maximum(abs(u), abs(v)) < 0.8,
    "frame": lambda u, v, r: abs(np.maximum(abs(u), abs(v)) - 0.7) < 0.25,
    "triangle": lambda u, v, r: (v < 0.8) & (abs(u) < (v + 1) / 2),
    "diamond": lambda u, v, r: abs(u) + abs(v) < 0.95,
    "plus": lambda u, v, r: (np.minimum(abs(u), abs(v)) < 0.25) & (np.maximum(abs(u), abs(v)) < 1),
    "cross": lambda u, v, r: (abs(abs(u) - abs(v)) < 0.35) & (np.maximum(abs(u), abs(v)) < 0.9),
    "rows": lambda u, v, r: (abs(abs(v) - 0.6) < 0.25) & (abs(u) < 1),
    "columns": lambda u, v, r: (abs(abs(u) - 0.6) < 0.25) & (abs(v) < 1),
}
SHAPE_SIZE = 16
COLOR_CAST = np.array([1.0, 0.85, 0.65])  # warm light: every image has more red than blue


def shapes(n: int, *, rng: np.random.Generator) -> Dataset:
    """Return n color images 16x16x3, values 0 to 255, of the ten SHAPES.

    Place, size and colors vary; the light is uneven, falls from one side and is warm, so that the
    channels have different means, as photographs do.
    """
    y = np.arange(n) % len(SHAPES)

    def each(low: float, high: float, *shape: int) -> Array:
        return rng.uniform(low, high, (n, *(shape or (1, 1))))

    axis = np.linspace(-1, 1, SHAPE_SIZE)
    size, shift_u, shift_v = each(0.5, 0.8), each(-0.2, 0.2), each(-0.2, 0.2)
    u, v = (axis - shift_u) / size, (axis[:, None] - shift_v) / size
    u, v = np.broadcast_arrays(u, v)
    r = np.hypot(u, v)
    inside = np.empty(r.shape, bool)
    for label, figure in enumerate(SHAPES.values()):
        inside[y == label] = figure(u[y == label], v[y == label], r[y == label])
    light = each(0.4, 1.0) * (1 + each(-0.5, 0.5) * axis + each(-0.5, 0.5) * axis[:, None])
    paint, ground = each(0.6, 1.0, 1, 1, 3), each(0.0, 0.5, 1, 1, 3)
    color = np.where(inside[..., None], paint, ground) * light[..., None] * COLOR_CAST
    noisy = color + 0.03 * rng.standard_normal(color.shape)
    x = np.round(255 * np.clip(noisy, 0, 1)).reshape(n, -1)
    return split("shapes", x, y, (SHAPE_SIZE, SHAPE_SIZE, 3), rng=rng)


def cifar10_folder() -> Path | None:
    """Return the folder named by CIFAR10_DIR, or None: then CIFAR-10 is not offered."""
    folder = os.environ.get("CIFAR10_DIR")
    return Path(folder) if folder else None


def load_cifar10(folder: Path, n: int = 5_000) -> Dataset:
    """Return n training images 32x32x3, values 0 to 255, and n / 5 validation images.

    folder: with the five training files of the binary version. Training images are the first,
    validation images the last of them; the test file is not touched.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise DataError(f"CIFAR10_DIR must name a folder, got {found} at {folder}")
    records = np.concatenate([_cifar10_records(folder / name) for name in CIFAR10_FILES])
    most = int(len(records) / (1 + VAL_SHARE))
    if not 1 <= n <= most:
        raise ValueError(f"n must be between 1 and {most}, got {n}")
    train, val = records[:n], records[-max(1, round(VAL_SHARE * n)) :]
    parts = _cifar10_features(train), train[:, 0].astype(int)
    held_out = _cifar10_features(val), val[:, 0].astype(int)
    return read_only(Dataset("cifar10", *parts, *held_out, classes=10, image_shape=(32, 32, 3)))


def _cifar10_records(file: Path) -> Array:
    """Read and check one file: (CIFAR10_IMAGES, CIFAR10_BYTES) uint8."""
    if not file.is_file():
        raise DataError(f"CIFAR10_DIR must hold {file.name}, got a folder without it")
    size, expected = file.stat().st_size, CIFAR10_IMAGES * CIFAR10_BYTES
    if size != expected:
        raise DataError(f"{file.name} must have {expected} bytes, got {size}")
    records = np.fromfile(file, np.uint8).reshape(CIFAR10_IMAGES, CIFAR10_BYTES)
    if records[:, 0].max() > 9:
        raise DataError(f"labels in {file.name} must be 0 to 9, got {records[:, 0].max()}")
    return records


def _cifar10_features(records: Array) -> Array:
    """Turn color planes into (images, 32 * 32 * 3) features, the channel last."""
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return planes.transpose(0, 2, 3, 1).reshape(len(records), -1).astype(np.float64)
