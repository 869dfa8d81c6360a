"""A run under a visitor's hands: started, paused, taken step by step, changed while it goes on.

The run lies in the visit's session state. While it plays, the page's script trains it a little and
draws it again several times a second, in the visitor's turn; a click ends the script and begins it
anew, which goes on with the run.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic, sleep
from typing import Any

import streamlit as st

from core.lab.experiment import Experiment
from core.lab.knobs import computed_part
from core.lab.say import say
from core.lab.words import named_knobs
from pages.common.claims import verdict
from pages.common.link import key, touched, value_of
from pages.common.runs import LANES, known
from pages.common.text import words

TICK = 0.22  # s between two pictures
LOOK = 0.06  # s between two looks whether there was a click
PACE = 5  # steps of a tick, about one and a half epochs in a second
BUDGET = 0.1  # s of training in a tick that hurries
FORGOTTEN = 180.0  # s without a click, after which a run pauses

Draw = Callable[[Any, Any], None]  # the run up to now, and the one before it, None for none


@dataclass(eq=False)
class Desk:
    """What a visitor has under way in one experiment.

    aside: the run before this one, which goes on if its knobs come back. before: what is drawn in
    grey, replaced by each new run unless is_pinned. told: why the run has paused.
    """

    run: Any = None
    aside: Any = None
    before: Any = None
    is_pinned: bool = False
    is_playing: bool = False
    is_hurrying: bool = False
    is_doctor_asked: bool = False
    told: str = ""
    clicked: float = field(default_factory=monotonic)

    def follow(self, experiment: Experiment, config: Any) -> None:
        """Go on with the knobs as they are: the run is changed, or another one takes its place."""
        self.clicked = monotonic()
        if self.run is not None and self.run.fits(config):
            return self.run.change(config)
        old = self.run
        again = self.aside is not None and self.aside.fits(config)
        self.pause()
        self.run = self.aside if again else experiment.live(config)
        self.run.change(config)
        if again and not self.is_pinned:
            self.before = None
        self.put_aside(old)

    def begin_anew(self, experiment: Experiment, config: Any) -> None:
        """Put the run aside for a new one."""
        self.pause()
        self.put_aside(self.run)
        self.run = experiment.live(config)

    def put_aside(self, old: Any) -> None:
        """Keep a run that has begun, to go on with and to compare."""
        if old is None or not old.step:
            return
        self.aside, self.is_doctor_asked = old, False
        if not self.is_pinned:
            self.before = old.result

    def play(self, hurry: bool = False) -> None:
        """Go on, up to the next goal."""
        self.run.extend()
        self.is_playing, self.is_hurrying, self.told = True, hurry, ""

    def pause(self, told: str = "") -> None:
        """Stay where it is; say why, unless the visitor asked for it."""
        self.is_playing, self.is_hurrying, self.told = False, False, told

    def train(self) -> None:
        """Train for one tick; pause where there is a reason to."""
        until, goal = monotonic() + BUDGET, self.run.step + PACE
        while monotonic() < until and not self.run.is_at_goal:
            self.run.advance(1)
            if self.run.step >= goal and not self.is_hurrying:
                break
        if self.run.has_ended:
            self.pause(end_told(self.run))
        elif self.run.is_at_goal:
            self.pause()
        elif monotonic() - self.clicked > FORGOTTEN:
            self.pause(say(words("live")["forgotten"], {"minutes": FORGOTTEN / 60}))

    def toggle_pin(self) -> None:
        """Keep the run as it is now in grey, or let that go."""
        if self.run is None:  # its question is still open
            return
        self.before = None if self.is_pinned else self.run.result
        self.is_pinned = not self.is_pinned


def end_told(run: Any) -> str:
    """Say why no step is left."""
    text = words("live")["cap" if run.is_finite else "broken"]
    return say(text, {"epochs": run.epoch})


def desk_of(experiment: Experiment) -> Desk:
    """Return what this visitor has under way."""
    desk: Desk = st.session_state.setdefault(f"{experiment.slug}:live", Desk())
    return desk


def is_shown(experiment: Experiment, view: str) -> bool:
    """Tell whether a picture is of the run under way, and not of a finished result."""
    return experiment.live is not None and view in experiment.live.VIEWS


def transport(experiment: Experiment, config: Any) -> None:
    """Draw the buttons that play, pause and change the run."""
    desk, text = desk_of(experiment), words("live")
    desk.follow(experiment, config)
    run = desk.run

    def clicked(act: Callable[[], None]) -> Callable[[], None]:
        def callback() -> None:
            touched(experiment.chapter)
            if not is_shown(experiment, str(value_of(experiment, "view"))):
                st.session_state[key(experiment, "view")] = experiment.live.VIEWS[0]
            act()

        return callback

    def step() -> None:
        desk.pause()
        desk.run.extend()
        desk.run.advance(1)
        if desk.run.has_ended:
            desk.told = end_told(desk.run)

    def divide() -> None:
        rate = "learning_rate"
        st.session_state[key(experiment, rate)] = value_of(experiment, rate) / 10

    def ask() -> None:
        desk.is_doctor_asked = True

    def button(name: str, icon: str, act: Callable[[], None], **options: Any) -> None:
        st.button(
            text[name],
            icon=f":material/{icon}:",
            key=f"{experiment.slug}:run {options.pop('key', name)}",
            on_click=clicked(act),
            help=text.get(f"{name}_help"),
            **options,
        )

    ended, begun = run.has_ended, run.step or desk.is_playing
    if desk.is_playing:
        button("pause", "pause", desk.pause, key="play")
    else:
        name = "resume" if run.step else "start"
        button(name, "play_arrow", desk.play, key="play", disabled=ended)
    button("step", "skip_next", step, disabled=ended)
    button("finish", "fast_forward", lambda: desk.play(hurry=True), disabled=ended)
    button("anew", "replay", lambda: desk.begin_anew(experiment, config), disabled=not begun)
    button("divide", "exposure_neg_1", divide)
    button("ask", "stethoscope", ask, disabled=not begun)


def show(experiment: Experiment, places: Mapping[str, Any], draw: Draw, grey: str) -> None:
    """Draw the run as it is now.

    places: slots for heading ("head"), line, picture and note. grey: what the run in grey is.
    """
    desk = desk_of(experiment)
    note = desk.run.note if _is_told(desk) else None
    places["head"].markdown(_headline(experiment, desk, note), anchors=False)
    line = [desk.told or _setting(experiment, desk), grey]
    places["line"].caption(" ".join(filter(None, line)))
    draw(desk.run.result, desk.before)
    places["note"].markdown(_said(experiment, desk, note))


def play(experiment: Experiment, places: Mapping[str, Any], draw: Draw, grey: str) -> None:
    """Train and draw the run again and again while it plays; any click ends this.

    A timer in the browser would do as well, but what it sends can overtake a knob that was just
    set here, and undo it.
    """
    desk = desk_of(experiment)

    def waiting(before: int) -> None:
        places["line"].caption(say(words("runs")["waiting"], {"before": before}))

    while desk.is_playing:
        began = monotonic()
        with LANES["live"].turn((experiment.slug, id(desk)), waiting):
            desk.train()
            show(experiment, places, draw, grey)
        if not desk.is_playing:
            st.rerun()
        while (rest := began + TICK - monotonic()) > 0:
            sleep(min(rest, LOOK))
            places["head"].markdown(_headline(experiment, desk), anchors=False)  # a click ends here


def _headline(experiment: Experiment, desk: Desk, note: Any = None) -> str:
    return f"# {_heading(experiment, desk, note)}"


def _heading(experiment: Experiment, desk: Desk, note: Any) -> str:
    text, run = experiment.words["live"], desk.run
    values = {"epoch": int(run.epoch), "goal": run.goal}
    if not run.step:
        return str(text["ready"])
    if desk.is_playing:
        return say(text["running"], values)
    if note is not None:
        return say(text["after"], {"name": note.name})
    return say(text["paused"], values)


def _is_told(desk: Desk) -> bool:
    """Tell whether it is time for the doctor's note."""
    asked = desk.is_doctor_asked or (desk.run.is_at_goal and not desk.is_playing)
    return asked and desk.run.step > 0


def _setting(experiment: Experiment, desk: Desk) -> str:
    text = experiment.words
    return say(text["setting_live"], named_knobs(text, asdict(desk.run.config)))


def _said(experiment: Experiment, desk: Desk, note: Any) -> str:
    """Return the note, if there is one, and whether such advice helps, if that is known."""
    text, run = experiment.words["live"], desk.run
    if note is None:
        return str(text["hint"])
    lines = [say(text["doctor"], asdict(note))]
    tested = known(experiment, computed_part(run.config)) if run.is_as_begun else None
    if tested is not None:
        lines.append(verdict(experiment, experiment.findings(tested)[0], run.config))
    return "  \n".join(lines)
