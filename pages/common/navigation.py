"""Which pages there are, and the way from one experiment to the next."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.experiments import chapter_of, chapters_shown, everything
from core.lab.experiment import Experiment
from core.lab.say import say
from core.lab.words import WordsError, shared_words
from pages.common.link import touched
from pages.common.text import words

PAGES = Path(__file__).parents[1]


def page_file(page: str) -> str:
    """Return the file of a page, as streamlit's page functions take it."""
    return str(next(PAGES.glob(f"[0-9]_{page}.py")))


def chapter_name(chapter: str) -> str:
    """Return what a chapter is called."""
    try:
        return str(shared_words()["chapters"][chapter])
    except (WordsError, KeyError):  # a broken file of words must not take the navigation down
        return chapter


def title_of(experiment: Experiment) -> str:
    """Return an experiment's question; its name where its words cannot be read."""
    try:
        return str(experiment.words["title"])
    except WordsError:
        return experiment.name


def place_of(experiment: Experiment) -> str:
    """Return the small line over the heading: chapter, place in it, question."""
    names = list(chapter_of(experiment.chapter))
    return say(
        words("navigation")["place"],
        {
            "chapter": chapter_name(experiment.chapter),
            "at": names.index(experiment.name) + 1,
            "many": len(names),
            "title": title_of(experiment),
        },
    )


def numbered_title(experiment: Experiment) -> str:
    """Return an experiment's place in its chapter and its question."""
    names = list(chapter_of(experiment.chapter))
    return f"{names.index(experiment.name) + 1}. {title_of(experiment)}"


def navigation() -> st.Page:
    """Declare the pages: the overview and every chapter that has experiments."""
    st.session_state["routed"] = True
    return st.navigation(
        [
            st.Page(page_file("overview"), title=words("app")["overview"], default=True),
            *(
                st.Page(page_file(chapter), title=chapter_name(chapter), url_path=chapter)
                for chapter in chapters_shown()
            ),
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


def neighbours(experiment: Experiment) -> tuple[Experiment | None, Experiment | None]:
    """Return the experiments before and after one, None at either end of the lecture."""
    order = everything()
    at = order.index(experiment)
    return order[at - 1] if at else None, order[at + 1] if at + 1 < len(order) else None


def open_experiment(experiment: Experiment) -> None:
    """Open an experiment as the visitor left it."""
    st.session_state[f"{experiment.chapter}.experiment"] = experiment.name
    touched(experiment.chapter)


def walk_buttons(experiment: Experiment, between: Callable[[], None] | None) -> None:
    """Draw previous and next, which walk through the lecture across its chapters.

    between: draws what stands between the two, if anything does.
    """

    def walk(goal: Experiment) -> None:
        # Where the click leads is decided here, once: when the script goes on, `experiment` is
        # already the new place, whose own neighbour lies one step further.
        open_experiment(goal)
        if goal.chapter != experiment.chapter:
            st.session_state["walked to"] = goal.chapter

    def button(name: str, shortcut: str, icon: str, goal: Experiment | None) -> None:
        st.button(
            words("navigation")[name],
            icon=f":material/{icon}:",
            icon_position="right" if name == "next" else "left",
            disabled=goal is None,
            type="tertiary",
            shortcut=shortcut,
            on_click=walk if goal else None,
            args=[goal] if goal else None,
        )

    before, after = neighbours(experiment)
    button("previous", "B", "arrow_back", before)
    if between:
        between()
    button("next", "N", "arrow_forward", after)
    if chapter := st.session_state.pop("walked to", None):
        st.switch_page(page_file(chapter))
