"""Runs take turns: fair order, one computation for all who ask, a place that never stays taken."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from core.lab.experiment import Experiment
from core.lab.knobs import Checked, integer, looks, numbers
from pages.common import runs
from pages.common.runs import LANES, Lane, result_of

SOON = 20  # s after which a test gives up


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(runs, "PATIENCE", 0.001)
    st.cache_data.clear()


def visitors():
    """Return threads for functions to run in, as Streamlit runs scripts."""
    return ThreadPoolExecutor(8)


def join(pool, lane, asked, served, waits):
    """Let a visitor queue, and wait until he is told how many are before him."""
    told = threading.Event()

    def waiting(before):
        waits.append((asked, before))
        told.set()

    def visitor():
        with lane.turn(asked, waiting):
            served.append(asked)

    future = pool.submit(visitor)
    assert told.wait(SOON)
    return future


def refuse(before):
    raise AssertionError(f"{before} before")


def test_who_comes_first_is_served_first():
    lane, served, waits = Lane(), [], []
    with visitors() as pool:
        with lane.turn("first", refuse):
            futures = [join(pool, lane, name, served, waits) for name in "abcd"]
        for future in futures:
            future.result(SOON)
    assert served == list("abcd")
    assert dict(reversed(waits)) == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_who_waits_for_the_run_that_is_done_picks_it_up_next():
    lane, served, waits = Lane(), [], []
    with visitors() as pool:
        with lane.turn("same", refuse):
            futures = [join(pool, lane, name, served, waits) for name in ("a", "same", "b", "same")]
        for future in futures:
            future.result(SOON)
    assert served == ["same", "same", "a", "b"]
    assert {before for asked, before in waits if asked == "same"} == {1}
    assert {before for asked, before in waits if asked == "b"} <= {1, 2}


@pytest.mark.parametrize("gone", [RerunException(RerunData()), ValueError("in the run")])
def test_leaving_frees_the_place_while_waiting_and_while_computing(gone):
    lane = Lane()

    def leave(before):
        raise gone

    with visitors() as pool:
        with lane.turn("first", refuse):

            def impatient():
                with lane.turn("second", leave):
                    raise AssertionError("not his turn")

            with pytest.raises(type(gone)):
                pool.submit(impatient).result(SOON)
        with pytest.raises(type(gone)), lane.turn("third", refuse):
            leave(0)
        with lane.turn("fourth", refuse):
            pass


def test_a_run_that_was_left_does_not_move_its_followers_to_the_front():
    lane, served, waits = Lane(), [], []
    with visitors() as pool:
        with pytest.raises(ValueError), lane.turn("same", refuse):
            futures = [join(pool, lane, name, served, waits) for name in ("a", "same")]
            raise ValueError
        for future in futures:
            future.result(SOON)
    assert served == ["a", "same"]


def test_short_runs_do_not_wait_for_long_ones():
    assert LANES["instant"] is LANES["normal"] is not LANES["training"]
    with LANES["training"].turn("long", refuse), LANES["instant"].turn("short", refuse):
        pass


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """One knob that counts, one that only looks."""

    depth: int = integer(1, 1, 30)
    target: float = looks(numbers(0.9, [0.8, 0.9]))


@dataclass(frozen=True)
class Result:
    """What a fake run gives."""

    config: Config
    twice: int


RAN: list[int] = []
BEGUN, GATE = threading.Event(), threading.Event()


@dataclass(frozen=True)
class Fake(Experiment):
    """A training that waits in its middle until the test lets it go on."""

    COST = "training"
    Config = Config

    def steps(self, config):
        """Run; depth 13 fails."""
        RAN.append(config.depth)
        BEGUN.set()
        yield 0.5
        assert GATE.wait(SOON)
        if config.depth == 13:
            raise KeyError("bad luck")
        return Result(config, 2 * config.depth)


@pytest.fixture
def fake(monkeypatch):
    """Return an experiment of which nothing is shipped."""
    monkeypatch.setattr(runs, "shipped", lambda experiment, config: None)
    RAN.clear()
    BEGUN.clear()
    GATE.clear()
    return Fake("activations", "saturation")


def test_visitors_who_ask_for_the_same_run_compute_it_once(fake):
    with visitors() as pool:
        futures = [pool.submit(result_of, fake, Config(depth=depth)) for depth in (3, 3, 4, 3)]
        GATE.set()
        assert [future.result(SOON).twice for future in futures] == [6, 6, 8, 6]
    assert sorted(RAN) == [3, 4]


class Leaver:
    """A page's line for a visitor who clicks as soon as he is told to wait."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def container(self, **_):
        """Return itself: it stands for the place as well."""
        return self

    def caption(self, text):
        """Leave."""
        raise RerunException(RerunData())


def test_nobody_waits_inside_the_cache(fake, monkeypatch):
    """A second visitor waits in the lane, where a click of his is seen."""
    config = Config(depth=5)
    with visitors() as pool:
        first = pool.submit(result_of, fake, config)
        assert BEGUN.wait(SOON)
        monkeypatch.setattr(st, "empty", Leaver)
        with pytest.raises(RerunException):
            result_of(fake, config)
        assert not first.done()
        GATE.set()
        assert first.result(SOON).twice == 10


def test_an_exception_frees_the_place_and_is_not_kept(fake):
    GATE.set()
    for _ in range(2):
        with pytest.raises(KeyError):
            result_of(fake, Config(depth=13))
    assert RAN == [13, 13]
    assert result_of(fake, Config(depth=14)).twice == 28


def test_knobs_that_only_look_are_not_computed_again(fake):
    GATE.set()
    results = [result_of(fake, Config(depth=2, target=target)) for target in (0.8, 0.9, 0.8)]
    assert RAN == [2]
    assert [result.config.target for result in results] == [0.8, 0.9, 0.8]


def test_a_result_that_is_known_waits_for_nobody(fake):
    GATE.set()
    with LANES["training"].turn("somebody's", refuse):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runs, "shipped", lambda experiment, config: Result(config, 0))
            assert result_of(fake, Config()).twice == 0
        assert result_of(fake, Config()).twice == 0


def a_page_with_two_runs():
    """Draw a page on which a pinned run and the current one are both new."""
    from pages.common.runs import result_of
    from tests.pages.test_runs import Config, Fake

    fake = Fake("activations", "saturation")
    for depth in (6, 7):
        result_of(fake, Config(depth=depth), stop=lambda: None)


def test_two_new_runs_on_one_page_do_not_collide_and_leave_no_line_behind(fake):
    GATE.set()
    app = AppTest.from_function(a_page_with_two_runs, default_timeout=SOON).run()
    assert not app.exception and sorted(RAN) == [6, 7]
    assert not app.caption and not app.button


@pytest.mark.parametrize(
    "share, seconds, told",
    [
        (0.1, 0.3, "Training … 10%"),  # too early to tell its pace
        (0.1, 1.5, "Training … 10%, about 14 s to go"),
        (0.9, 9.0, "Training … 90%"),  # one second more is not worth telling
        (0.0, 9.0, "Training … 0%"),
    ],
)
def test_a_long_run_says_how_long_it_goes_on(share, seconds, told):
    assert runs._progress(share, seconds) == told
