"""Predict first: a question in the picture's place, and what became of its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.lab.experiment import Experiment
from core.lab.finding import Finding
from core.lab.knobs import computed_part, marked
from core.lab.say import say
from core.lab.words import is_right
from pages.common.link import LETTERS, SHOWN, asked_again, key, touched, value_of
from pages.common.text import words
from pages.common.visit import note_answer, note_score


def show_result(experiment: Experiment) -> None:
    """Close the question without an answer; an answer that was given stays."""
    st.session_state[asked_again(experiment)] = False
    if not value_of(experiment, "answer"):
        st.session_state[key(experiment, "answer")] = SHOWN


def ask_again(experiment: Experiment) -> None:
    """Hide the result behind the question again."""
    touched(experiment.chapter)
    st.session_state[asked_again(experiment)] = True
    st.session_state[key(experiment, "answer")] = ""


def is_open(experiment: Experiment, untouched: bool) -> bool:
    """Tell whether to ask: nothing is answered yet and every knob stands at its default."""
    if st.session_state.get(asked_again(experiment)):
        return True
    return untouched and not value_of(experiment, "answer")


def switch(experiment: Experiment, asking: bool) -> None:
    """Draw the button that shows the result, or brings the question back."""
    text = words("question")

    def clicked() -> None:
        touched(experiment.chapter)
        (show_result if asking else ask_again)(experiment)

    st.button(
        text["show"] if asking else text["again"],
        icon=":material/visibility:" if asking else ":material/help:",
        type="tertiary",
        on_click=clicked,
        shortcut="S",
        help=text["show_help"] if asking else text["again_help"],
    )


def ask(experiment: Experiment) -> None:
    """Draw the question and its options, lettered for a show of hands."""
    text, asked = words("question"), experiment.words["question"]
    picked = f"{experiment.slug}:picked"
    options = asked["options"]

    def answer() -> None:
        touched(experiment.chapter)
        st.session_state[key(experiment, "answer")] = LETTERS[st.session_state[picked]]
        st.session_state[asked_again(experiment)] = False

    st.radio(
        text["head"],
        range(len(options)),
        format_func=lambda i: f"**{LETTERS[i].upper()}** {options[i]['text']}",
        index=None,
        key=picked,
    )
    with st.container(horizontal=True):
        st.button(
            text["answer"],
            on_click=answer,
            disabled=st.session_state.get(picked) is None,
            icon=":material/check:",
            type="primary",
        )
        switch(experiment, asking=True)


def chosen_option(experiment: Experiment) -> Mapping[str, Any] | None:
    """Return the option that the visitor chose, None if none."""
    letter, options = value_of(experiment, "answer"), experiment.words["question"]["options"]
    at = LETTERS.index(letter) if letter in LETTERS else len(options)
    return options[at] if at < len(options) else None


def feedback(experiment: Experiment, found: Sequence[Finding], untouched: bool) -> None:
    """Hold the visitor's answer against what the default run measured.

    found: of the default run, which was asked about. Once a knob has moved, one line is left.
    """
    own = chosen_option(experiment)
    if own is None:
        return
    text, asked = words("question"), experiment.words["question"]
    right = next((option for option in asked["options"] if is_right(option, found)), own)
    note_answer(experiment, own is right)
    told = {"own": own["text"], "right": right["text"]}
    if not untouched:
        st.caption(say(text["short_right" if own is right else "short_wrong"], told))
        return
    lines = [f"*{asked['ask']}*", f"{say(text['you_said'], told)} **{text['right']}**"]
    if own is not right:
        lines[1] = f"{say(text['you_said'], told)} **{text['wrong']}** {own['reason']}"
        lines.append(f"**{say(text['right_one'], told)}**")
    lines.append(right["reason"])
    with st.container(border=True, gap="xxsmall"):
        st.markdown("  \n".join(lines))


def score(experiment: Experiment, result: Any) -> bool:
    """Tell a visitor who has answered about this run whether it was right, why, and the score.

    Return whether there was an answer.
    """
    right = experiment.score(result)
    if right is None:
        return False
    text = words("score")
    got, of = note_score(experiment, computed_part(result.config), right)
    lines = [f"**{text['right' if right else 'wrong']}**"]
    for name in marked(experiment.Config, "answers"):
        lines.append(experiment.words["knobs"][name]["reasons"][getattr(result.config, name)])
    st.markdown(" ".join([*lines, say(text["tally"], {"right": got, "of": of})]))
    return True
