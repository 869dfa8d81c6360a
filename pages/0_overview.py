"""The overview: what this is, a first picture, and the lecture as a map of questions."""

import streamlit as st

from core.charts import load_charts
from core.experiments import CHAPTERS, load
from pages.common.frame import draw
from pages.common.navigation import ensure_routed, page_file
from pages.common.prose import words

PICTURE = ("initialization", "depth")

ensure_routed()
text = words("overview")
st.title(text["title"], anchor=False)
left, right = st.columns([3, 2], gap="large")
with left:
    chapter, experiment = PICTURE
    module = load(chapter, experiment)
    draw(chapter, experiment, module, load_charts(chapter)[experiment], module.Config())
with right:
    st.markdown(text["lead"])
    st.markdown(text["picture"])
    st.page_link(
        page_file(chapter),
        label=text["try"],
        icon=":material/play_arrow:",
        query_params={"experiment": experiment},
    )
st.subheader(text["map"], anchor=False)
chapters = {chapter: names for chapter, names in CHAPTERS.items() if names}
for place, (chapter, experiments) in zip(st.columns(len(chapters)), chapters.items()):
    with place.container(gap="xxsmall"):
        st.markdown(f"**{words(chapter)['name']}**")
        for experiment in experiments:
            st.page_link(
                page_file(chapter),
                label=words(chapter)[experiment]["map"],
                icon=":material/science:",
                query_params={"experiment": experiment},
            )
st.divider()
st.markdown(text["data"])
