"""What a visitor has opened and answered in this visit, for the overview's path of questions."""

from typing import Any

import streamlit as st

from core.lab.experiment import Experiment

STATE, GUESSES, SCORES = "opened", "guesses", "scores"


def opened(experiment: Experiment) -> str | None:
    """Return the heading that the visitor last saw of an experiment, None if it was not opened."""
    headings: dict[str, str] = st.session_state.get(STATE, {})
    return headings.get(experiment.slug)


def note_opened(experiment: Experiment, heading: str) -> None:
    """Remember what an experiment found when it was last looked at."""
    headings = st.session_state.setdefault(STATE, {})
    headings.pop(experiment.slug, None)  # the one opened last stands last
    headings[experiment.slug] = heading


def note_answer(experiment: Experiment, right: bool) -> None:
    """Remember whether the visitor's guess was as measured."""
    st.session_state.setdefault(GUESSES, {})[experiment.slug] = right


def guessed(experiment: Experiment) -> bool | None:
    """Return whether the visitor guessed as measured, None if not answered."""
    guesses: dict[str, bool] = st.session_state.get(GUESSES, {})
    return guesses.get(experiment.slug)


def note_score(experiment: Experiment, run: Any, right: bool) -> tuple[int, int]:
    """Remember whether the answer about a run was right: the first one counts.

    Return how many runs of the experiment were answered right, and how many in all.
    """
    scores = st.session_state.setdefault(SCORES, {}).setdefault(experiment.slug, {})
    scores.setdefault(run, right)
    return sum(scores.values()), len(scores)


def last_opened(experiments: list[Experiment]) -> Experiment | None:
    """Return the experiment that was opened last, None if none was."""
    slugs = list(st.session_state.get(STATE, {}))
    return next((e for e in experiments if slugs and e.slug == slugs[-1]), None)
