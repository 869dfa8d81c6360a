"""Verdicts in words: the first one under the picture, all of them in a tab."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from core.lab.experiment import Experiment
from core.lab.finding import Finding, Outcome
from core.lab.words import sentence
from pages.common.text import words

ICONS = {Outcome.HOLDS: "check_circle", Outcome.FAILS: "error", Outcome.UNCLEAR: "help"}
COLOURS = {Outcome.HOLDS: "green", Outcome.FAILS: "orange", Outcome.UNCLEAR: "gray"}


def verdict(experiment: Experiment, finding: Finding, config: Any) -> str:
    """Return one finding in words: how the claim comes out, the claim, the number."""
    text: Mapping[str, Any] = experiment.words
    own = text["findings"][finding.claim]
    kinds = {"misreading_": finding.misreading, "identity_": finding.identity}
    kinds |= {"ours_": own.get("ours"), "": True}  # a question of our own, not the lecture's
    openings = words("verdict")
    opening = next(
        openings[f"{kind}{finding.outcome}"]
        for kind, is_so in kinds.items()
        if is_so and f"{kind}{finding.outcome}" in openings
    )
    said = sentence(text, finding, asdict(config))
    icon = f":{COLOURS[finding.outcome]}[:material/{ICONS[finding.outcome]}:]"
    return f"{icon} **{opening}** *{own['claim']}*: {said}"


def all_verdicts(experiment: Experiment, found: Sequence[Finding], config: Any) -> None:
    """Draw every claim and misreading that this run measured."""
    for finding in found:
        st.markdown(verdict(experiment, finding, config))
