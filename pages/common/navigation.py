"""Which pages there are, and the way from one experiment to the next."""

from pathlib import Path

import streamlit as st

from core.experiments import CHAPTERS, everything
from pages.common.link import touched
from pages.common.prose import words

PAGES = Path(__file__).parents[1]


def page_file(chapter: str) -> str:
    """Return the page of a chapter, as streamlit's page functions take it."""
    return str(next(PAGES.glob(f"[0-9]_{chapter}.py")))


def navigation() -> st.Page:
    """Declare the pages: the overview and every chapter that has experiments."""
    st.session_state["routed"] = True
    chapters = [chapter for chapter, experiments in CHAPTERS.items() if experiments]
    return st.navigation(
        [
            st.Page(page_file("overview"), title=words("overview")["name"], default=True),
            *(st.Page(page_file(c), title=words(c)["name"], url_path=c) for c in chapters),
        ],
        position="top",
    )


def ensure_routed() -> None:
    """Start again through app.py when a fresh server was first asked for a page's own link.

    Streamlit then runs the file in `pages/` by its old automatic navigation.
    """
    if "routed" not in st.session_state:
        navigation()
        st.rerun()


def neighbours(chapter: str, experiment: str) -> tuple[tuple[str, str] | None, ...]:
    """Return the (chapter, experiment) before and after one, None at either end."""
    order = everything()
    at = order.index((chapter, experiment))
    return order[at - 1] if at else None, order[at + 1] if at + 1 < len(order) else None


def open_experiment(chapter: str, experiment: str) -> None:
    """Open an experiment as the visitor left it."""
    st.session_state[f"{chapter}.experiment"] = experiment
    touched(chapter)


def walk_buttons(chapter: str, experiment: str) -> None:
    """Draw previous and next, which walk through the lecture across its chapters."""
    for label, icon, goal in zip(
        ("Previous", "Next"),
        (":material/arrow_back:", ":material/arrow_forward:"),
        neighbours(chapter, experiment),
        strict=True,
    ):
        clicked = st.button(
            label,
            icon=icon,
            icon_position="right" if label == "Next" else "left",
            disabled=goal is None,
            type="tertiary",
            on_click=open_experiment if goal else None,
            args=goal,
        )
        if clicked and goal and goal[0] != chapter:
            st.switch_page(page_file(goal[0]))
