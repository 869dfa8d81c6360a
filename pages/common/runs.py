"""Running experiments: cached, computed once for all visitors, each in its turn."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import streamlit as st

from core.lab.experiment import Experiment
from core.lab.knobs import computed_part
from core.lab.results import shipped
from core.lab.say import say
from core.lab.table import Table
from pages.common.text import words

REDRAW = 0.7  # s between two pictures of a run that is still going on
PACE = 0.5  # s after which the pace of a run is known
LONG = 2.0  # s that are worth telling
PATIENCE = 0.2  # s between two looks at the queue, so that a click can end the waiting


@dataclass(frozen=True, eq=False)
class _Ticket:
    """A visitor's place in the queue, and what was asked for."""

    asked: Hashable


class Lane:
    """A place where one run at a time computes; who comes first is served first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[_Ticket] = []

    @contextmanager
    def turn(self, asked: Hashable, waiting: Callable[[int], None]) -> Iterator[None]:
        """Wait for the place and hold it; `waiting` is told, again and again, how many are before.

        asked: names the run; those who wait for the same one come next once it is done, since they
        only pick it up. Anything raised, by `waiting` too, gives up the place.
        """
        ticket = _Ticket(asked)
        with self._changed:
            self._queue.append(ticket)
        try:
            while before := self._before(ticket):
                waiting(before)
            yield
            with self._changed:
                self._queue.sort(key=lambda other: (other is not ticket, other.asked != asked))
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _before(self, ticket: _Ticket) -> int:
        """Wait a moment for the place; return how many different runs are still before."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue[0] is ticket, PATIENCE)
            ahead = self._queue[: self._queue.index(ticket)]
        runs = list(dict.fromkeys(other.asked for other in ahead))
        return runs.index(ticket.asked) + 1 if ticket.asked in runs else len(runs)


# Short runs do not wait for long ones. One of each computes at a time, which bounds the memory.
_SHORT = Lane()
LANES = {"instant": _SHORT, "normal": _SHORT, "training": Lane(), "live": Lane()}


class Place:
    """A place on the page that keeps what it shows until something new is written over it."""

    def __init__(self, container: Any) -> None:
        self._container, self._slot = container, None

    @property
    def slot(self) -> Any:
        """Return what can be overwritten again and again in this run of the page.

        It is made when first needed, since making it wipes what the place showed before.
        """
        if self._slot is None:
            self._slot = self._container.empty()
        return self._slot

    @property
    def now(self) -> Any:
        """Return where to write what stays."""
        return self._slot or self._container


def result_with_table(experiment: Experiment, config: Any, table: Table) -> Any:
    """Return the result on a visitor's own table; it is kept in the visit, for nobody else."""
    asked, state = (computed_part(config), table), f"{experiment.slug}:table results"
    kept = st.session_state.get(state, [])
    result = next((result for other, result in kept if other == asked), None)
    if result is None:
        with LANES[experiment.COST].turn((experiment.slug, *asked), lambda before: None):
            result = experiment.module.run(asked[0], table)
        st.session_state[state] = [*kept[-1:], (asked, result)]  # two: one may be pinned
    return replace(result, config=config)


class NotComputed(Exception):
    """Nobody has brought this result yet."""


@st.cache_data(max_entries=512, max_size="60mb", show_spinner=False)
def _kept(experiment: Experiment, config: Any, _finished: Any = None) -> Any:
    """Return a run's result; the first caller brings it. NotComputed, never kept, if nobody did.

    Nothing computes in here: whoever asks for the same meanwhile would wait at the cache's own
    lock, where no click ends the waiting.
    """
    if _finished is None:
        _finished = shipped(experiment, config)
    if _finished is None:
        raise NotComputed
    return _finished


def known(experiment: Experiment, config: Any) -> Any:
    """Return a result that needs no computing, None if there is none."""
    try:
        return _kept(experiment, config)
    except NotComputed:
        return None


def result_of(
    experiment: Experiment,
    config: Any,
    stop: Callable[[], None] | None = None,
    draw: Callable[[Any], None] | None = None,
    line: Any = None,
) -> Any:
    """Return an experiment's result: from the cache, as shipped, or by running it now.

    A run of class "training" is drained here record by record: each progress update lets the
    visitor's next click stop it, a button of its own calls `stop`, and `draw` is given what there
    is so far, where the experiment can tell. Two visitors who ask for the
    same run compute it once. Knobs that only look are not part of what is computed.
    """
    computed = computed_part(config)
    result = known(experiment, computed)
    if result is None:
        result = _in_turn(experiment, computed, stop, draw, line)
    return replace(result, config=config)


def _in_turn(
    experiment: Experiment,
    config: Any,
    stop: Callable[[], None] | None,
    draw: Callable[[Any], None] | None,
    told: Any,
) -> Any:
    """Wait for a free place, then run; say all the while what is going on, in one line."""
    place = told.slot if told else st.empty()
    with place.container(horizontal=True):
        line = st.empty()
        if experiment.COST == "training" and stop:
            # A pinned run and the current one may both be new: two buttons in one rerun.
            state = f"{experiment.slug}:stop {config}"
            st.button(words("runs")["stop"], on_click=stop, type="tertiary", key=state)

    def waiting(before: int) -> None:
        line.caption(say(words("runs")["waiting"], {"before": before}))

    try:
        with LANES[experiment.COST].turn((experiment.slug, config), waiting):
            result = known(experiment, config)  # the visitor before us may have computed it
            if result is None:
                result = _kept(experiment, config, _watched(experiment, config, line, draw))
    except Exception:
        place.empty()  # what went wrong is told elsewhere, not "Computing ..." besides
        raise
    place.empty()
    return result


def _watched(
    experiment: Experiment, config: Any, line: Any, draw: Callable[[Any], None] | None
) -> Any:
    """Run to the end while the visitor sees how far it is."""
    if experiment.COST == "instant":
        return experiment.run(config)
    line.caption(words("runs")["computing"])
    steps = experiment.steps(config)
    began = drawn = monotonic()
    while True:
        try:
            step = next(steps)
        except StopIteration as finished:
            return finished.value
        share, so_far = step if isinstance(step, tuple) else (step, None)
        line.caption(_progress(min(share, 1), monotonic() - began))
        if draw and so_far is not None and monotonic() - drawn > REDRAW:
            draw(so_far)
            drawn = monotonic()


def _progress(share: float, seconds: float) -> str:
    """Say how far a run is, and, once its pace shows, how long it will go on if that is long."""
    left = seconds / share - seconds if share and seconds > PACE else 0
    text = words("runs")["training_long" if left > LONG else "training"]
    return say(text, {"done": f"{share:.0%}", "left": f"{left:.0f}"})
