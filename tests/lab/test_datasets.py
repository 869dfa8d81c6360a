"""Data sets: the shipped digits, what is generated, and CIFAR-10's files."""

import hashlib
from io import BytesIO

import numpy as np
import pytest
from sklearn.datasets import load_digits as sklearn_digits

from core.lab import datasets
from core.lab.datasets import (
    CIFAR10_FILES,
    DATA,
    DIGITS,
    SHAPES,
    DataError,
    load_cifar10,
    load_digits,
    standardized_digits,
)

GENERATED = [datasets.spirals, datasets.moons, datasets.xor, datasets.blobs, datasets.shapes]


def test_digits_are_those_of_the_readme():
    with np.load(DIGITS, allow_pickle=False) as stored:
        content = stored["images"].tobytes() + stored["labels"].tobytes()
    assert hashlib.sha256(content).hexdigest() in (DATA / "README.md").read_text()


def test_digits_are_the_source_split_in_two():
    data, source = load_digits(), sklearn_digits()
    rows = np.concatenate([data.x_train, data.x_val])
    labels = np.concatenate([data.y_train, data.y_val])
    ours = np.column_stack([rows, labels])
    theirs = np.column_stack([source.data, source.target])
    np.testing.assert_array_equal(np.unique(ours, axis=0), np.unique(theirs, axis=0))
    assert len(rows) == 1797 and data.x_train.max() == 16 and data.image_shape == (8, 8)


def test_every_class_gives_the_same_share_to_validation():
    data = load_digits()
    share = np.bincount(data.y_val) / (np.bincount(data.y_train) + np.bincount(data.y_val))
    np.testing.assert_allclose(share, 0.2, atol=0.005)


@pytest.mark.parametrize("load", [load_digits, standardized_digits])
def test_shared_arrays_are_read_only(load):
    data = load()
    for array in (data.x_train, data.y_train, data.x_val, data.y_val):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def npz(**arrays):
    content = BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.mark.parametrize(
    "content, sentence",
    [
        (None, "the data file digits.npz is missing"),
        (b"", "the data file digits.npz is damaged: "),
        (DIGITS.read_bytes()[:2000], "the data file digits.npz is damaged: "),
        (b"<html>", "the data file digits.npz is damaged: "),
        (npz(images=np.zeros((3, 8, 8))), "the data file digits.npz is damaged: cannot reshape"),
        (npz(images=np.zeros((1797, 8, 8))), "the data file digits.npz is damaged: .*labels"),
    ],
    ids=["missing", "empty", "truncated", "text", "too few", "no labels"],
)
def test_a_missing_or_damaged_file_of_digits_is_named(tmp_path, monkeypatch, content, sentence):
    monkeypatch.setattr(datasets, "DIGITS", tmp_path / "digits.npz")
    if content is not None:
        (tmp_path / "digits.npz").write_bytes(content)
    with pytest.raises(DataError, match=f"^{sentence}"):
        load_digits.__wrapped__()


def test_map_leaves_labels_and_the_original_alone():
    data = load_digits()
    doubled = data.map(lambda x: 2 * x)
    np.testing.assert_array_equal(doubled.x_val, 2 * data.x_val)
    assert doubled.y_train is data.y_train and data.x_train.max() == 16


@pytest.mark.parametrize("make", GENERATED, ids=lambda make: make.__name__)
def test_generated_data_come_from_the_rng_alone(make):
    first, again, other = (make(200, rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.x_train, again.x_train)
    assert not np.array_equal(first.x_train, other.x_train)
    assert first.name == make.__name__


@pytest.mark.parametrize("make", GENERATED, ids=lambda make: make.__name__)
def test_generated_data_have_n_samples_of_every_class(make):
    data = make(300, rng=np.random.default_rng(0))
    labels = np.concatenate([data.y_train, data.y_val])
    assert len(labels) == 300 and len(data.y_val) == 60
    counts = np.bincount(labels)
    assert len(counts) == data.classes and (counts == 300 / data.classes).all()
    assert data.x_train.shape[1] == (768 if make is datasets.shapes else 2)


def test_xor_is_told_by_signs_and_not_by_one_line():
    data = datasets.xor(400, rng=np.random.default_rng(0))
    assert ((data.x_train.prod(axis=1) < 0) == data.y_train).all()
    assert np.abs(data.x_train).min() >= 0.1
    angles = np.linspace(0, 2 * np.pi, 90)
    scores = data.x_train @ np.stack([np.cos(angles), np.sin(angles)])
    best = max(((scores > t) == data.y_train[:, None]).mean(axis=0).max() for t in (-0.5, 0, 0.5))
    assert best < 0.78


def test_shapes_are_images_with_a_warm_cast_and_uneven_light():
    data = datasets.shapes(600, rng=np.random.default_rng(0))
    images = data.x_train.reshape(-1, *data.image_shape)
    red, green, blue = images.mean(axis=(0, 1, 2))
    assert red > green > blue
    assert images.min() >= 0 and images.max() <= 255 and (images == images.round()).all()
    brightness = images.mean(axis=(1, 2, 3))
    assert brightness.std() > 0.2 * brightness.mean()
    assert data.classes == len(SHAPES) == 10


@pytest.fixture
def cifar_folder(tmp_path, monkeypatch):
    """Write files of 12 images each, and expect that many."""
    monkeypatch.setattr(datasets, "CIFAR10_IMAGES", 12)
    rng = np.random.default_rng(0)
    for name in CIFAR10_FILES:
        records = rng.integers(256, size=(12, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        records.tofile(tmp_path / name)
    return tmp_path


def test_cifar10_puts_the_channel_last(cifar_folder):
    data = load_cifar10(cifar_folder, n=50)
    record = np.fromfile(cifar_folder / CIFAR10_FILES[0], np.uint8)[:3073]
    assert data.y_train[0] == record[0]
    image = data.x_train[0].reshape(data.image_shape)
    assert image[0, 1].tolist() == record[1:].reshape(3, 32, 32)[:, 0, 1].tolist()
    assert data.x_train.shape == (50, 3072) and data.x_val.shape == (10, 3072)


def test_cifar10_splits_do_not_overlap(cifar_folder):
    data = load_cifar10(cifar_folder, n=50)
    rows = np.concatenate([data.x_train, data.x_val])
    assert len(np.unique(rows, axis=0)) == 60


@pytest.mark.parametrize("n", [0, 51])
def test_cifar10_names_the_sizes_it_has(cifar_folder, n):
    with pytest.raises(ValueError, match=f"n must be between 1 and 50, got {n}"):
        load_cifar10(cifar_folder, n=n)


def test_cifar10_says_what_is_there_in_place_of_its_folder(cifar_folder):
    with pytest.raises(DataError, match=r"must name a folder, got a file at .*data_batch_1.bin$"):
        load_cifar10(cifar_folder / CIFAR10_FILES[0])
    with pytest.raises(DataError, match=r"must name a folder, got nothing at .*elsewhere$"):
        load_cifar10(cifar_folder / "elsewhere")


def test_cifar10_names_a_missing_file(cifar_folder):
    (cifar_folder / CIFAR10_FILES[2]).unlink()
    with pytest.raises(DataError, match=r"must hold data_batch_3.bin, got a folder without it"):
        load_cifar10(cifar_folder)


@pytest.mark.parametrize("size", [0, 3073 * 11, 3073 * 12 + 1])
def test_cifar10_names_a_file_of_the_wrong_size(cifar_folder, size):
    (cifar_folder / CIFAR10_FILES[1]).write_bytes(bytes(size))
    with pytest.raises(DataError, match=f"data_batch_2.bin must have 36876 bytes, got {size}"):
        load_cifar10(cifar_folder)


def test_cifar10_names_a_label_over_9(cifar_folder):
    file = cifar_folder / CIFAR10_FILES[4]
    content = bytearray(file.read_bytes())
    content[3073 * 5] = 17
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"labels in data_batch_5.bin must be 0 to 9, got 17"):
        load_cifar10(cifar_folder)


def test_cifar10_is_not_offered_without_its_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("CIFAR10_DIR", raising=False)
    assert datasets.cifar10_folder() is None
    monkeypatch.setenv("CIFAR10_DIR", str(tmp_path))
    assert datasets.cifar10_folder() == tmp_path
