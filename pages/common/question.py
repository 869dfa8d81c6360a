"""Predict first: a question in the chart's place until it is answered or skipped."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.finding import Finding
from pages.common.prose import is_right

SKIPPED = -1


def _state(chapter: str, experiment: str) -> str:
    return f"{chapter}.{experiment}:answer"


def skip(chapter: str, experiment: str) -> None:
    """Close the question without an answer; an answer that was given stays."""
    st.session_state.setdefault(_state(chapter, experiment), SKIPPED)


def is_open(chapter: str, experiment: str, untouched: bool) -> bool:
    """Tell whether to ask: nothing is answered and every knob stands at its default."""
    return untouched and _state(chapter, experiment) not in st.session_state


def ask(chapter: str, experiment: str, text: Mapping[str, Any]) -> None:
    """Draw the question, its options, commit and skip."""
    state, asked = _state(chapter, experiment), text["question"]
    picked = f"{state}.picked"

    def commit() -> None:
        st.session_state[state] = st.session_state[picked]

    st.title("What do you expect?", anchor=False)
    options = asked["options"]
    st.radio(
        asked["ask"],
        range(len(options)),
        format_func=lambda i: options[i]["text"],
        index=None,
        key=picked,
    )
    with st.container(horizontal=True):
        st.button(
            "Commit",
            on_click=commit,
            disabled=st.session_state.get(picked) is None,
            icon=":material/lock:",
        )
        st.button("Skip, show me", on_click=skip, args=(chapter, experiment), type="tertiary")


def reveal(
    chapter: str,
    experiment: str,
    text: Mapping[str, Any],
    found: tuple[Finding, ...],
    untouched: bool,
) -> None:
    """Hold the visitor's answer against what was measured on the run it was asked about."""
    answer = st.session_state.get(_state(chapter, experiment), SKIPPED)
    if answer == SKIPPED or not untouched:
        return
    options = text["question"]["options"]
    chosen = options[answer]
    verdict = "As measured" if is_right(chosen, found) else "Not what was measured"
    with st.container(border=True):
        st.markdown(f"**{verdict}.** You said: *{chosen['text']}*  \n{chosen['reason']}")
        with st.expander("The other answers"):
            for option in options:
                if option is not chosen:
                    st.markdown(f"*{option['text']}*  \n{option['reason']}")
