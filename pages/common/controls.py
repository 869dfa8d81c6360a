"""Widgets: each knob is drawn from its declaration."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from core.lab.experiment import Experiment
from core.lab.knobs import MAX_SEED, Choice, Flag, Number, Seed, Several, Span, marked
from core.lab.say import number
from core.lab.words import option_name
from pages.common.link import key, put
from pages.common.table import table_of, table_widgets
from pages.common.text import words

VISIBLE = 4  # knobs beside the picture; the others wait under "more"
SEGMENTS = 3  # as many names fit in a row; more go into a list
NUMBERS = 5  # as many numbers fit in a row; more go onto a slider


def number_text(value: float) -> str:
    """Write a knob's number, as sentences do where it is tiny: 0.05, 0.000001, 500."""
    text = f"{value:g}"
    return number(value) if "e" in text else text


def knob_widget(experiment: Experiment, name: str, changed: Callable) -> None:
    """Draw the widget of one knob; its value is session state's, snapped to what is allowed."""
    knob, state, text = experiment.knobs[name], key(experiment, name), experiment.words
    value: Any = knob.snap(st.session_state.get(state, knob.default))
    # Streamlit keeps several choices as a list; a tuple would count as a change by the visitor.
    put(state, list(value) if isinstance(knob, Several) else value)
    common: dict[str, Any] = {
        "label": text["knobs"][name]["label"],
        "key": state,
        "help": text["knobs"][name].get("help"),
        "on_change": changed,
        "persist_state": "session",
    }

    def named(option: str) -> str:
        return option_name(text, name, option)

    match knob:
        case Seed():
            seed_widget(state, common, changed)
        case Choice(options=options) if len(options) <= SEGMENTS:
            st.segmented_control(
                options=options, format_func=named, required=True, wrap=True, **common
            )
        case Choice(options=options):
            st.selectbox(options=options, format_func=named, **common)
        case Several(options=options):
            st.pills(
                options=options, selection_mode="multi", format_func=named, wrap=True, **common
            )
        case Flag():
            st.toggle(**common)
        case Span():
            span_widget(knob, state, text["knobs"][name].get("empty"), common)
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


def seed_widget(state: str, common: Mapping[str, Any], changed: Callable) -> None:
    """Draw a field for the seed and a button that draws another one."""

    def another() -> None:
        st.session_state[state] = secrets.randbelow(MAX_SEED + 1)
        changed()

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(min_value=0, max_value=MAX_SEED, step=1, **common)
        st.button(words("knobs")["another"], icon=":material/casino:", on_click=another)


def span_widget(knob: Span, state: str, placeholder: str | None, common: Mapping[str, Any]) -> None:
    """Draw a field for the two ends of a range; what cannot be one is refused with a sentence.

    The field has a state of its own, since what is typed need not be a range.
    """
    typed, refused = f"{state}:typed", f"{state}:refused"

    def read() -> None:
        try:
            st.session_state[state] = knob.read(st.session_state[typed])
        except ValueError as error:
            st.session_state[refused] = str(error)
        else:
            common["on_change"]()

    reason = st.session_state.pop(refused, None)
    if not reason:
        put(typed, knob.texts(st.session_state[state])[0])
    field = {**common, "key": typed, "on_change": read}
    st.text_input(placeholder=placeholder, **field)
    if reason:
        st.caption(f":orange[{common['label']} {reason}.]")


def _even(steps: Sequence[float]) -> bool:
    return abs((steps[-1] - steps[0]) / (len(steps) - 1) - (steps[1] - steps[0])) < 1e-9


def knob_widgets(experiment: Experiment, changed: Callable) -> None:
    """Draw an experiment's knobs; those after the first few wait in a fold."""
    names = list(experiment.knobs)
    if table_of(experiment):
        names = [name for name in names if name in (experiment.table_knobs or ())]
    changed_by = {name: partial(_moved, experiment, name, changed) for name in names}
    for name in names[:VISIBLE]:
        knob_widget(experiment, name, changed_by[name])
    if names[VISIBLE:]:
        more = st.expander(words("knobs")["more"], key=f"{experiment.slug}:more", on_change="rerun")
        if more.open:
            with more:
                for name in names[VISIBLE:]:
                    knob_widget(experiment, name, changed_by[name])
    table_widgets(experiment, changed)


def _moved(experiment: Experiment, name: str, changed: Callable) -> None:
    """Note that a knob was moved; answers were about the run before, if it changes what is run."""
    changed()
    if name not in marked(experiment.Config, "looks"):
        for answer in marked(experiment.Config, "answers"):
            st.session_state[key(experiment, answer)] = experiment.knobs[answer].default


def selected_preset(experiment: Experiment, config: Any) -> str | None:
    """Return the name of the preset that a configuration is, None for none."""
    return next((n for n, preset in experiment.PRESETS.items() if preset == config), None)


def preset_pills(
    experiment: Experiment, config: Any, open_config: Callable[[Any], None], presenting: bool
) -> None:
    """Draw the presets, the one that is open highlighted.

    A knob that moves away from a preset or back to one makes new pills. What the browser says of
    the old ones was not clicked: it had not heard of the move yet.
    """
    made, selected = f"{experiment.slug}:presets made", selected_preset(experiment, config)
    number = st.session_state.get(made, 0)
    if st.session_state.get(f"{experiment.slug}:preset {number}") != selected:
        number += 1
    st.session_state[made], state = number, f"{experiment.slug}:preset {number}"

    def chosen() -> None:
        if st.session_state[made] == number and st.session_state[state]:
            open_config(experiment.PRESETS[st.session_state[state]])

    st.pills(
        words("knobs")["presets"],
        list(experiment.PRESETS),
        default=selected,
        label_visibility="collapsed" if presenting else "visible",
        format_func=lambda name: experiment.words["presets"][name],
        key=state,
        on_change=chosen,
        wrap=True,
    )
