"""Running experiments: cached, computed once for all visitors, with progress, interruptible."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

import streamlit as st

from core.results import shipped

HEAVY = threading.BoundedSemaphore(1)  # slow runs of the whole process that compute at once
_locks: WeakValueDictionary[Any, Any] = WeakValueDictionary()  # one per run that is computing


@st.cache_data(max_entries=256, max_size="60mb", show_spinner=False)
def _kept(chapter: str, experiment: str, config: Any, _finished: Any = None) -> Any:
    """Return a run's result; the first caller brings it. LookupError (never kept) if nobody did."""
    if _finished is None:
        _finished = shipped(chapter, experiment, config)
    if _finished is None:
        raise LookupError("not computed yet")
    return _finished


def result_of(chapter: str, experiment: str, module: ModuleType, config: Any) -> Any:
    """Return an experiment's result: from the cache, as shipped, or by running it now.

    A run of class "training" is drained here record by record: each progress update lets the
    visitor's next click stop it. Two visitors who ask for the same slow run compute it once.
    """
    run = chapter, experiment, config
    try:
        return _kept(*run)
    except LookupError:
        if module.COST == "instant":
            return _kept(*run, module.run(config))
    place = st.empty()
    with _turn(_locks.setdefault(run, threading.Lock()), place), place.container():
        try:
            return _kept(*run)  # the visitor before us in the queue has just computed it
        except LookupError:
            return _kept(*run, _watched(module, config))
        finally:
            place.empty()


@contextmanager
def _turn(lock: Any, place: Any) -> Iterator[None]:
    """Hold the run's lock and the process's only slow place.

    Who waits is told why, and waits in short stretches, so that a click can end it.
    """
    taken: list[Any] = []
    try:
        for gate in (lock, HEAVY):
            while not gate.acquire(timeout=0.2):
                place.info("Another visitor's run is being computed. Yours starts right after it.")
            taken.append(gate)
        yield
    finally:
        for gate in taken:
            gate.release()


def _watched(module: ModuleType, config: Any) -> Any:
    """Run to the end while the visitor sees that, and how far, it goes on."""
    if module.COST != "training":
        with st.spinner("Computing …", show_time=True):
            return module.run(config)
    steps, bar = module.steps(config), st.progress(0.0, "Training …")
    while True:
        try:
            done = next(steps)
        except StopIteration as stop:
            return stop.value
        bar.progress(min(done, 1.0), f"Training … {done:.0%}")
