"""The link is the experiment: the only code that reads or writes the page's address.

A knob lives in session state under `chapter.experiment.knob`; the address names only what differs
from the defaults. `arrive` is a page's first line, `depart` comes after its last knob. Besides the
knobs of its Config an experiment has three of the page itself: the view, the pinned run and the
visitor's answer.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import streamlit as st

from core.experiments import chapter_of
from core.lab.experiment import Experiment
from core.lab.knobs import Choice
from pages.common.pin import Pin

STICKY = ("present",)  # travels with the visitor, not with the experiment
LETTERS = ("a", "b", "c", "d", "e")  # of the answers to a question
SHOWN = "shown"  # in place of an answer: the result was asked for
PAGE_KNOBS = ("view", "pin", "answer")
# In the browser: Back pressed while it was offline is lost, and after reconnecting nothing is asked
# for. The step that the server has not heard of is repeated, so that address and knobs agree.
REPEAT_BACK = """<script>
if (!window.repeatsBack) {
  window.repeatsBack = true;
  const app = document.querySelector('[data-testid="stApp"]');
  let unheard = false;
  window.addEventListener("popstate", () => { unheard = true; });
  new MutationObserver((changes) => {
    if (app.dataset.testScriptState === "running") unheard = false;
    if (!unheard || app.dataset.testConnectionState !== "CONNECTED") return;
    if (!changes.some((change) => change.attributeName === "data-test-connection-state")) return;
    window.dispatchEvent(new PopStateEvent("popstate"));
  }).observe(app, { attributeFilter: ["data-test-connection-state", "data-test-script-state"] });
}
</script>"""

Knobs = Mapping[str, Any]  # name -> something with default, parse and texts


@cache
def linked(experiment: Experiment) -> Knobs:
    """Return everything of an experiment that the address can hold."""
    views = tuple(experiment.views)
    return {
        **experiment.knobs,
        "view": Choice(views[0], views),
        "pin": Pin(experiment.knobs),
        "answer": Choice("", ("", SHOWN, *LETTERS)),
    }


def key(experiment: Experiment, knob: str) -> str:
    """Return the session-state key of a knob; never the bare name, keys are global to a visit.

    What the frame itself keeps of an experiment is under `chapter.experiment:name`.
    """
    return f"{experiment.chapter}.{experiment.name}.{knob}"


def asked_again(experiment: Experiment) -> str:
    """Return the session-state key of whether the question was brought back."""
    return f"{experiment.slug}:ask"


def value_of(experiment: Experiment, knob: str) -> Any:
    """Return what a knob is set to in this visit, snapped to what is allowed."""
    known = linked(experiment)[knob]
    value = st.session_state.get(key(experiment, knob), known.default)
    return known.snap(value) if hasattr(known, "snap") else value


def values_of(experiment: Experiment) -> dict[str, Any]:
    """Return every knob's value in this visit, those of the page among them."""
    return {knob: value_of(experiment, knob) for knob in linked(experiment)}


def put(state: str, value: Any) -> None:
    """Give a widget's state this value, if it has another.

    Streamlit sends what is assigned to the browser, where it would undo what was clicked meanwhile.
    """
    if state not in st.session_state or st.session_state[state] != value:
        st.session_state[state] = value


def touched(chapter: str) -> None:
    """Say that a widget of this chapter was moved: it wins over an address that comes late."""
    st.session_state["touched"] = chapter


def show(experiment: Experiment, values: Mapping[str, Any]) -> None:
    """Open an experiment with these values; a knob that is not among them has its default.

    A question that was asked again is closed: what is opened says by its answer whether to ask.
    """
    touched(experiment.chapter)
    st.session_state[asked_again(experiment)] = False
    st.session_state[f"{experiment.chapter}.experiment"] = experiment.name
    for name, knob in linked(experiment).items():
        st.session_state[key(experiment, name)] = values.get(name, knob.default)


def arrive(chapter: str) -> None:
    """Take over what the address asks for, unless a widget led here."""
    experiments = chapter_of(chapter)
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    here = st.session_state.get("here", (None, None))
    seen = f"{chapter}.experiment" in st.session_state
    arrive_sticky(chapter)
    if here == (chapter, query) or (seen and st.session_state.get("touched") == chapter):
        return
    asked = query.get("experiment", [""])[0]
    if seen and here[0] != chapter and asked not in experiments:
        return touched(chapter)  # back by the navigation: as it was left
    # Knobs count only beside an experiment of this chapter.
    name, given = (asked, query) if asked in experiments else (next(iter(experiments)), {})
    experiment = experiments[name]
    values = {n: k.parse(given[n]) for n, k in linked(experiment).items() if n in given}
    show(experiment, values)


def arrive_sticky(page: str) -> None:
    """Take over what travels with the visitor, unless a widget or the navigation led here.

    Otherwise the address wins, so that Back after Present goes back.
    """
    by_navigation = not st.query_params and st.session_state.get("here", (page,))[0] != page
    if "touched" in st.session_state or by_navigation:
        return
    for name in STICKY:
        st.session_state[name] = ["1"] if st.query_params.get_all(name) == ["1"] else None


def sticky() -> dict[str, list[str]]:
    """Return the address's part that travels with the visitor."""
    return {name: st.session_state[name] for name in STICKY if st.session_state.get(name)}


def address(experiment: Experiment) -> dict[str, list[str]]:
    """Return the query that opens an experiment as this visit has it."""
    values = values_of(experiment)
    query = {
        name: knob.texts(values[name])
        for name, knob in linked(experiment).items()
        if values[name] != knob.default
    }
    if query or experiment.name != next(iter(chapter_of(experiment.chapter))):
        query = {"experiment": [experiment.name], **query}
    return query


def depart(experiment: Experiment) -> None:
    """Write what differs from the defaults into the address, before anything slow runs."""
    leave(experiment.chapter, address(experiment) | sticky())


def leave(page: str, query: dict[str, list[str]]) -> None:
    """Write a page's address, if it is not there already."""
    if st.session_state.pop("touched", None) or (page, query) != st.session_state.get("here"):
        st.query_params.from_dict(query)
    st.session_state["here"] = page, query
    st.html(REPEAT_BACK, unsafe_allow_javascript=True)
