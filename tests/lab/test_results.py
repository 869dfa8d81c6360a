"""Shipped results: stored, read back, and never trusted when damaged or out of date."""

import logging
import pickle
import sys
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from core.lab import results
from core.lab.experiment import Experiment
from core.lab.knobs import (
    Checked,
    choice,
    computed_part,
    flag,
    integer,
    looks,
    numbers,
    seed,
    several,
)
from core.lab.results import reference, shipped, worth_shipping, write_results

MOST_BYTES = 10_000_000  # of everything that is shipped


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """A knob of every kind."""

    scheme: str = choice("he", ["xavier", "he"])
    shown: tuple[str, ...] = several(("relu",), ["tanh", "relu"])
    depth: int = integer(2, 1, 3)
    bias: bool = flag(False)
    target: float = looks(numbers(0.9, [0.5, 0.9]))
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Everything that a Result may hold. counts: (depth, 3); share: (depth,)."""

    config: Config
    counts: np.ndarray
    share: np.ndarray
    best: float
    learned: bool
    winner: str


def run(config):
    rng = np.random.default_rng(config.seed)
    return Result(
        config=config,
        counts=rng.integers(1000, size=(config.depth, 3)),
        share=np.append(rng.random(config.depth - 1), np.nan),
        best=0.1 + config.depth,
        learned=config.bias,
        winner=config.scheme,
    )


def measure_reference():
    return {"he.std": np.arange(3.0)}


COST = "normal"
PRESETS = {"default": Config(), "off the path": Config(depth=3, bias=True, target=0.5)}


class Tiny(Experiment):
    """An experiment whose module is this one."""

    module = property(lambda self: sys.modules[__name__])


TINY = Tiny("chapter", "tiny")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    reference.cache_clear()
    yield tmp_path / "results"
    reference.cache_clear()


@pytest.fixture
def files(folder):
    """Store two configurations, without other processes; return their files."""
    for config in PRESETS.values():
        computed = computed_part(config)
        results.write_file(results._file(TINY, computed), results._computed(TINY, computed))
    return [results._file(TINY, computed_part(config)) for config in PRESETS.values()]


def assert_same(stored, computed):
    assert stored.config == computed.config
    for name in ("counts", "share", "best", "learned", "winner"):
        old, new = getattr(stored, name), getattr(computed, name)
        np.testing.assert_array_equal(old, new)
        assert type(old) is type(new) and getattr(old, "dtype", 0) == getattr(new, "dtype", 0)


def test_a_result_comes_back_as_it_was(files):
    for config in PRESETS.values():
        assert_same(shipped(TINY, config), run(config))


def test_a_knob_that_only_looks_finds_the_same_file(files):
    assert_same(shipped(TINY, Config(target=0.5)), run(Config(target=0.5)))


def test_what_is_not_stored_is_none_and_no_news(files, caplog):
    assert shipped(TINY, Config(seed=77)) is None
    assert not caplog.records


def test_reading_one_result_opens_no_other_file(files, caplog):
    files[1].write_bytes(b"garbage")
    assert shipped(TINY, Config()) is not None
    assert not caplog.records


def arrays_of(file):
    with np.load(file) as stored:
        return dict(stored)


def rewritten(**changed):
    """Return a damage that changes some of a file's arrays; None takes one out."""

    def damage(file):
        arrays = {n: a for n, a in {**arrays_of(file), **changed}.items() if a is not None}
        np.savez_compressed(file, **arrays)

    return damage


def swap_names(file):
    other = results._file(TINY, Config(depth=3, bias=True))
    file.write_bytes(other.read_bytes())


DAMAGES = {
    "empty": lambda file: file.write_bytes(b""),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:400]),
    "text": lambda file: file.write_bytes(b"<html>not found</html>"),
    "a git pointer": lambda file: file.write_bytes(b"version https://git-lfs.github.com/spec/v1"),
    "pickled": lambda file: file.write_bytes(pickle.dumps({"share": [1]})),
    "an object array": rewritten(share=np.array([{}], object)),
    "wrong shape": rewritten(counts=np.zeros((5, 3), int)),
    "wrong type": rewritten(share=np.zeros(2, "U3")),
    "an array missing": rewritten(share=None),
    "an array too many": rewritten(more=np.zeros(2)),
    "says nothing": rewritten(about=None),
    "says no JSON": rewritten(about=np.array("{")),
    "says a list": rewritten(about=np.array("[1]")),
    "another configuration": swap_names,
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_file_is_not_used_and_said_in_one_line(files, caplog, damage):
    damage(files[0])
    assert shipped(TINY, Config()) is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and "\n" not in record.getMessage()
    assert files[0].name in record.getMessage()
    assert shipped(TINY, PRESETS["off the path"]) is not None


def test_whichever_byte_is_flipped_what_is_used_is_right(files):
    content = files[0].read_bytes()
    used = 0
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 0xFF
        files[0].write_bytes(flipped)
        stored = shipped(TINY, Config())
        if stored is not None:  # it was a date or the like
            assert_same(stored, run(Config()))
            used += 1
    assert used < len(content) / 3


@dataclass(frozen=True, kw_only=True)
class LaterConfig(Checked):
    """The same knobs, one with other options."""

    scheme: str = choice("he", ["xavier", "he"])
    shown: tuple[str, ...] = several(("relu",), ["tanh", "relu"])
    depth: int = integer(2, 1, 4)
    bias: bool = flag(False)
    target: float = looks(numbers(0.9, [0.5, 0.9]))
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class LaterResult(Result):
    """A Result with one field more."""

    more: np.ndarray = field(default_factory=lambda: np.zeros(1))


@pytest.mark.parametrize("name, later", [("Config", LaterConfig), ("Result", LaterResult)])
def test_a_result_of_an_older_declaration_is_not_used(files, monkeypatch, name, later):
    monkeypatch.setattr(sys.modules[__name__], name, later)
    assert shipped(Tiny("chapter", "tiny"), later() if name == "Config" else Config()) is None


def test_a_result_that_cannot_be_stored_is_refused_by_name(monkeypatch):
    for value in ((1, 2), None, {"a": 1}, np.array([None])):
        monkeypatch.setattr(TINY.module, "run", lambda c, v=value: replace(run_once(c), best=v))
        with pytest.raises(TypeError, match="chapter/tiny: best must be an array"):
            results._computed(TINY, Config())


run_once = run


def test_worth_shipping_is_what_one_click_leads_to():
    default = Config()
    assert worth_shipping(TINY) == [
        default,
        Config(depth=3, bias=True),
        Config(scheme="xavier"),
        Config(shown=("tanh", "relu")),
        Config(depth=1),
        Config(depth=3),
        Config(bias=True),
        *(Config(seed=other) for other in range(1, 6)),
    ]


def test_nothing_instant_is_shipped(monkeypatch):
    monkeypatch.setattr(TINY.module, "COST", "instant")
    assert worth_shipping(TINY) == []


def test_writing_goes_on_where_it_stopped(folder):
    lines = write_results([TINY])
    assert next(lines) == "chapter/tiny: 0 of 12 are there"
    assert next(lines) == "chapter/tiny: reference written"
    assert next(lines).startswith("1 of 12: chapter/tiny, ")
    lines.close()
    assert len(list(folder.glob("chapter.tiny/*"))) == 1
    went_on = list(write_results([TINY]))
    assert went_on[0] == "chapter/tiny: 1 of 12 are there" and len(went_on) == 12
    assert list(write_results([TINY])) == ["chapter/tiny: 12 of 12 are there"]
    for config in worth_shipping(TINY):
        assert_same(shipped(TINY, config), run(config))
    assert not list(folder.rglob("*.tmp"))


def test_what_other_code_computed_is_computed_again_and_still_shipped(files, monkeypatch):
    monkeypatch.setattr(results, "_code", lambda experiment: "later")
    assert next(write_results([TINY])) == "chapter/tiny: 0 of 12 are there"
    assert shipped(TINY, Config()) is not None


def test_files_that_are_not_worth_shipping_any_more_are_removed(files, monkeypatch):
    unfinished = files[0].with_suffix(".1.tmp")
    unfinished.write_bytes(b"")
    monkeypatch.setattr(TINY.module, "COST", "instant")
    assert next(write_results([TINY])) == "chapter/tiny: 0 of 0 are there"
    assert not any(file.exists() for file in [*files, unfinished])


def test_a_file_is_replaced_whole_or_not_at_all(files, monkeypatch):
    before = files[0].read_bytes()

    def full_disk(self, content):
        open(self, "wb").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(files[0]), "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        results.write_file(files[0], b"new")
    assert files[0].read_bytes() == before
    assert sorted(files[0].parent.iterdir()) == sorted(files)


def test_a_reference_comes_back_and_a_damaged_one_is_empty(folder, caplog):
    assert reference("chapter", "tiny") == {}
    assert not caplog.records
    results._write_reference(TINY)
    np.testing.assert_array_equal(reference("chapter", "tiny")["he.std"], np.arange(3.0))
    reference.cache_clear()
    results._reference_file("chapter", "tiny").write_bytes(b"garbage")
    assert reference("chapter", "tiny") == {}
    assert len(caplog.records) == 1


def test_what_is_shipped_is_small():
    assert sum(file.stat().st_size for file in results.FOLDER.rglob("*.npz")) < MOST_BYTES
