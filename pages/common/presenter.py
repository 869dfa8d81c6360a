"""Presenter mode, asked for by `present=1` in the link: larger, and only what a hall can read."""

import streamlit as st

from pages.common.link import touched

LARGER = """<style>
html { font-size: 19px !important; }
.stMainBlockContainer { padding-left: 2.5rem; padding-right: 2.5rem; }
</style>"""


def is_presenting() -> bool:
    """Tell whether this visitor presents."""
    return bool(st.session_state.get("present"))


def presenter_style() -> None:
    """Enlarge all type of the page while presenting."""
    if is_presenting():
        st.html(LARGER)


def presenter_switch(chapter: str) -> None:
    """Draw the button that enters and leaves the mode."""

    def switch() -> None:
        touched(chapter)
        st.session_state["present"] = None if is_presenting() else ["1"]

    st.button(
        "Leave" if is_presenting() else "Present",
        icon=":material/present_to_all:",
        type="tertiary",
        on_click=switch,
        help="Larger type and marks for a projector; text and spare knobs are hidden.",
    )
