"""Widgets: each knob is drawn from its declaration."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.knobs import Choice, Flag, Knob, Number, Several
from pages.common.link import key

VISIBLE = 4  # knobs beside the chart; the others wait under "more"
SEGMENTS = 3  # as many names fit in a row; more go into a list
NUMBERS = 5  # as many numbers fit in a row; more go onto a slider


def number_text(value: float) -> str:
    """Write a number as people do: 0.05, 1e-06, 500."""
    return f"{value:g}"


def knob_widget(knob: Knob, state: str, words: Mapping[str, Any], changed: Callable) -> None:
    """Draw the widget of one knob; its value is session state's, snapped to what is allowed."""
    value = knob.snap(st.session_state.get(state, knob.default))
    # Streamlit keeps several choices as a list; a tuple would count as a change by the visitor.
    st.session_state[state] = list(value) if isinstance(knob, Several) else value
    common = {
        "label": words["label"],
        "key": state,
        "help": words.get("help"),
        "on_change": changed,
        "persist_state": "session",
    }
    names = words.get("options", {})
    match knob:
        case Choice(options=options) if len(options) <= SEGMENTS:
            st.segmented_control(
                options=options,
                format_func=lambda o: names.get(o, o),
                required=True,
                wrap=True,
                **common,
            )
        case Choice(options=options):
            st.selectbox(options=options, format_func=lambda o: names.get(o, o), **common)
        case Several(options=options):
            st.pills(
                options=options,
                selection_mode="multi",
                format_func=lambda o: names.get(o, o),
                wrap=True,
                **common,
            )
        case Flag():
            st.toggle(**common)
        case Number(steps=steps) if len(steps) <= NUMBERS:
            st.segmented_control(
                options=steps, format_func=number_text, required=True, wrap=True, **common
            )
        case Number(steps=steps) if _even(steps):
            st.slider(
                min_value=steps[0],
                max_value=steps[-1],
                step=round(steps[1] - steps[0], 10),
                **common,
            )
        case Number(steps=steps):
            st.select_slider(options=steps, format_func=number_text, **common)


def _even(steps: tuple[float, ...]) -> bool:
    return abs((steps[-1] - steps[0]) / (len(steps) - 1) - (steps[1] - steps[0])) < 1e-9


def knob_column(
    chapter: str,
    experiment: str,
    knobs: Mapping[str, Knob],
    text: Mapping[str, Any],
    changed: Callable,
    spare: bool,
) -> dict[str, Any]:
    """Draw an experiment's knobs and return their values by name; spare ones wait in a fold."""

    def draw(names: list[str]) -> None:
        for name in names:
            knob_widget(knobs[name], key(chapter, experiment, name), text["knobs"][name], changed)

    names = list(knobs)
    draw(names[:VISIBLE])
    if names[VISIBLE:] and spare:
        more = st.expander("More knobs", key=f"{chapter}.{experiment}:more", on_change="rerun")
        if more.open:
            with more:
                draw(names[VISIBLE:])
    return {
        name: knob.snap(st.session_state.get(key(chapter, experiment, name), knob.default))
        for name, knob in knobs.items()
    }
