"""The link is the experiment: the only code that reads or writes the page's address.

A knob lives in session state under `chapter.experiment.knob`; the address names only what differs
from the defaults. `arrive` is a page's first line, `depart` comes after its last knob.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

STICKY = ("present",)  # travels with the visitor, not with the experiment

Knobs = Mapping[str, Any]  # name -> something with default, parse and texts


def key(chapter: str, experiment: str, knob: str) -> str:
    """Return the session-state key of a knob; never the bare name, keys are global to a visit.

    What the frame itself keeps of an experiment is under `chapter.experiment:name`.
    """
    return f"{chapter}.{experiment}.{knob}"


def touched(chapter: str) -> None:
    """Say that a widget of this chapter was moved: it wins over an address that comes late."""
    st.session_state["touched"] = chapter


def show(chapter: str, experiment: str, config: Mapping[str, Any], knobs: Knobs) -> None:
    """Open an experiment with these values; a knob that is not among them has its default."""
    touched(chapter)
    st.session_state[f"{chapter}.experiment"] = experiment
    for name, knob in knobs.items():
        st.session_state[key(chapter, experiment, name)] = config.get(name, knob.default)


def arrive(chapter: str, experiments: Mapping[str, Knobs]) -> None:
    """Take over what the address asks for, unless a widget led here."""
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    here = st.session_state.get("here", (None, None))
    seen = f"{chapter}.experiment" in st.session_state
    for name in STICKY:
        st.session_state.setdefault(name, ["1"] if query.get(name) == ["1"] else None)
    if here == (chapter, query) or (seen and st.session_state.get("touched") == chapter):
        return
    asked = query.get("experiment", [""])[0]
    if seen and here[0] != chapter and asked not in experiments:
        return touched(chapter)  # back by the navigation: as it was left
    # Knobs count only beside an experiment of this chapter.
    experiment, given = (asked, query) if asked in experiments else (next(iter(experiments)), {})
    knobs = experiments[experiment]
    values = {name: knob.parse(given[name]) for name, knob in knobs.items() if name in given}
    show(chapter, experiment, values, knobs)


def depart(
    chapter: str, experiments: Mapping[str, Knobs], experiment: str, config: Mapping[str, Any]
) -> None:
    """Write what differs from the defaults into the address, before anything slow runs."""
    knobs = experiments[experiment]
    query = {n: knob.texts(config[n]) for n, knob in knobs.items() if config[n] != knob.default}
    if query or experiment != next(iter(experiments)):
        query = {"experiment": [experiment], **query}
    query |= {name: st.session_state[name] for name in STICKY if st.session_state.get(name)}
    if st.session_state.pop("touched", None) or (chapter, query) != st.session_state.get("here"):
        st.query_params.from_dict(query)
    st.session_state["here"] = chapter, query
