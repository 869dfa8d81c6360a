"""The overview: what this is, where to start, and the lecture as a path of questions."""

import streamlit as st

from core.experiments import chapter_of, chapters_shown, everything, load
from core.lab.experiment import Experiment
from core.lab.say import say
from pages.common.link import address, arrive_sticky, leave, sticky
from pages.common.navigation import chapter_name, ensure_routed, page_file, title_of
from pages.common.presenter import page_style
from pages.common.text import words
from pages.common.visit import guessed, last_opened, opened

BEST_KNOWN = ("initialization", "depth")
IN_A_ROW = 3  # chapters, so that their questions can be read whole


def path_link(experiment: Experiment, label: str, icon: str) -> None:
    """Link to an experiment, with the knobs as they were left if it was opened in this visit."""
    as_left = address(experiment) if opened(experiment) else {}
    st.page_link(
        page_file(experiment.chapter),
        label=label,
        icon=icon,
        query_params={"experiment": [experiment.name], **as_left, **sticky()},
    )


def question_link(experiment: Experiment) -> None:
    """Link to an experiment by its question; once opened, say what it found."""
    found, guess = opened(experiment), guessed(experiment)
    path_link(
        experiment,
        title_of(experiment),
        ":material/radio_button_unchecked:" if found is None else ":material/check_circle:",
    )
    if found is not None:
        said = {None: "", True: text["as_measured"], False: text["otherwise"]}[guess]
        st.caption(f"{found}. {said}")


ensure_routed()
arrive_sticky("overview")
page_style()
text, experiments = words("overview"), everything()
st.title(words("app")["title"], anchor=False)
st.markdown(text["lead"])
with st.container(horizontal=True):
    last = last_opened(experiments)
    if last:
        path_link(last, say(text["resume"], {"title": title_of(last)}), ":material/play_arrow:")
    else:
        start = say(text["start"], {"many": len(experiments)})
        path_link(experiments[0], start, ":material/play_arrow:")
        best = load(*BEST_KNOWN)
        path_link(best, say(text["first"], {"title": title_of(best)}), ":material/star:")
st.subheader(text["path"], anchor=False)
chapters = chapters_shown()
for first in range(0, len(chapters), IN_A_ROW):
    for place, chapter in zip(st.columns(IN_A_ROW), chapters[first : first + IN_A_ROW]):
        with place.container(gap="xxsmall"):
            st.markdown(f"**{chapter_name(chapter)}**")
            for experiment in chapter_of(chapter).values():
                question_link(experiment)
with st.expander(text["data_head"]):
    st.markdown(text["data"])
leave("overview", sticky())
