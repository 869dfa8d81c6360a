"""Presenter mode, asked for by `present=1` in the link: a hall reads it from the back row."""

import streamlit as st

from pages.common.link import touched
from pages.common.text import words

PAGE = """<style>
[data-testid="stMain"] h1 { padding: 0 0 0.7rem; line-height: 1.15; }
[data-testid="stStatusWidget"] button { display: none; }
[data-testid="stSlider"] input { width: 1px; }
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: inherit; }
[data-testid="stCaptionContainer"] { opacity: 0.85 !important; }
.st-key-line { min-height: 1.4rem; }
.st-key-line button { min-height: 0; height: 1.3rem; padding: 0; }
[data-testid="stTabs"] [role="tablist"] { flex-wrap: wrap; }
[data-testid="stPageLink"] p { white-space: normal !important; }
</style>"""
# All type and the picture grow with the window: 20 px at 720 lines, 30 px at 1080.
LARGER = """<style>
html { font-size: min(2.78vh, 1.7vw) !important; }
[data-testid="stHeader"], [data-testid="stStatusWidget"] { display: none !important; }
[data-testid="stMainBlockContainer"] { padding: 1.2vh 2.5vw 0; }
[data-testid="stVegaLiteChart"], [data-testid="stFullScreenFrame"] { overflow: visible !important; }
[data-testid="stVegaLiteChart"] svg, [data-testid="stVegaLiteChart"] canvas {
  width: 95vw !important; height: 62vh !important; }
[data-testid="stCaptionContainer"] { margin-bottom: -1.2rem; }
[data-testid="stRadio"] label p { font-size: 1.4rem; }
</style>"""


def is_presenting() -> bool:
    """Tell whether this visitor presents."""
    return bool(st.session_state.get("present"))


def page_style() -> None:
    """Set the page's own style; enlarge everything while presenting."""
    st.html(PAGE + LARGER if is_presenting() else PAGE)


def presenter_switch(chapter: str) -> None:
    """Draw the button that enters and leaves the mode."""
    text = words("knobs")

    def switch() -> None:
        touched(chapter)
        st.session_state["present"] = None if is_presenting() else ["1"]

    st.button(
        text["leave"] if is_presenting() else text["present"],
        icon=":material/present_to_all:",
        type="tertiary",
        on_click=switch,
        shortcut="P",
        help=text["present_help"],
    )
