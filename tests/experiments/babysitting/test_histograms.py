"""Claim T10 on fresh seeds: signs of sick runs, the pile at 0, movement, and E11, E30 and E31."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import streamlit as st

from core.experiments.babysitting.histograms.experiment import (
    DRAWN,
    EDGES,
    EPOCH,
    HEALTHY,
    KINDS,
    LAYERS,
    OUTPUTS,
    PRESETS,
    RESCALED,
    Config,
    build,
    findings,
    movement,
    stages,
    told_apart,
)
from core.lab.experiment import Experiment
from core.lab.finding import Outcome
from core.lab.results import shipped
from core.nn.network import forward
from pages.common.tabs import _data
from tests.experiments.seeds import FRESH, first_of

EXPERIMENT = Experiment("babysitting", "histograms")

SHIPPED = 0
seeds = first_of(SHIPPED, *FRESH)


@cache
def run(seed):
    """Return a run; what is trained is the same for every kind and layer that is looked at."""
    config = Config(seed=seed)
    return shipped(EXPERIMENT, config) or EXPERIMENT.run(config)


def seen(preset, seed=SHIPPED, **knobs):
    return replace(run(seed), config=replace(PRESETS[preset], seed=seed, **knobs))


def said(result):
    return {finding.claim: str(finding.outcome) for finding in findings(result)}


@seeds
def test_every_kind_shows_its_sign_and_what_is_often_said_is_wrong(seed):
    expected = {
        "lecture": {"T10": "holds", "pile": "holds", "frozen": "holds", "E30": "fails"},
        "healthy": {"T10": "holds", "moves": "holds", "pile": "fails", "E30b": "fails"},
        "vanishing": {"T10": "holds", "frozen": "holds", "E31": "fails"},
        "exploding": {"T10": "holds", "grows": "fails"},
        "sparse": {"pile": "fails"},
        "rescaled": {"E31": "fails"},
    }
    for preset, outcomes in expected.items():
        assert outcomes.items() <= said(seen(preset, seed)).items(), preset


@seeds
def test_the_gap_tells_overfitting_and_the_outputs_hardly_do(seed):
    e11 = findings(seen("overfitting", seed))[0]
    assert e11.claim == "E11" and e11.outcome is not Outcome.HOLDS
    assert e11.values["gap_tells"] > 0.95 > e11.values["told"]
    assert e11.values["gap"] > 0.1 > e11.values["gap_healthy"]


@seeds
def test_nearly_all_zeros_are_few_dead_units_in_the_first_layer_of_the_dead_run(seed):
    result = seen("lecture", seed, layer=1)
    assert result.zero[result.kind, :, 0].min() > 0.97
    assert said(result)["pile"] == "fails" and said(result)["T10"] == "fails"


def test_a_rescaled_network_computes_the_same_with_other_gradients():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 64))
    logits = [
        forward(build(KINDS[k], [np.random.default_rng(1)]), x)[0] for k in ("healthy", "rescaled")
    ]
    np.testing.assert_allclose(*logits, rtol=1e-4, atol=1e-5)
    gradient = run(SHIPPED).gradient
    times = gradient[RESCALED] / gradient[HEALTHY]
    np.testing.assert_allclose(times.mean(axis=0), [20, 1 / 20, 1], rtol=1e-3)


def test_stages_go_on_and_a_sign_takes_their_place():
    result = seen("healthy")
    moved, std, dead = (a.copy() for a in (result.moved, result.std, result.dead))
    moved[0, DRAWN, 2] = 0, 1, 0.1, 0.3, 0.04, 0.1, 0.01, 0.01, 0.01
    std[0, DRAWN, 2, -1], dead[0, DRAWN, 2, -2] = 20, 0.5
    changed = replace(result, moved=moved, std=std, dead=dead)
    named = stages(changed, HEALTHY)
    assert named[:6] == ["start", "early", "middle", "middle", "settled", "settled"]
    assert named[-2:] == ["dying", "exploding"]


def test_claims_near_their_bars_are_unclear():
    result = seen("healthy")
    dead = result.dead.copy()
    dead[0, :, 2, -1] = np.linspace(0.0, 0.6, dead.shape[1])
    moved = result.moved.copy()
    moved[0, :, 2, -1] = moved[0, :, 2, 1] / np.geomspace(1, 25, dead.shape[1])
    outcomes = said(replace(result, dead=dead, moved=moved))
    assert outcomes["T10"] == outcomes["moves"] == "unclear"
    moved[0, :, 2, -1] = moved[0, :, 2, 1]
    assert said(replace(result, moved=moved))["moves"] == "fails"


def test_numbers_by_hand():
    assert told_apart(np.arange(4.0), np.arange(4.0)) == 0.5
    assert told_apart(np.zeros(3), np.ones(3)) == 1.0
    outs = np.full((1, 2, 5, 4), 2.0)
    np.testing.assert_allclose(movement(outs - 1, outs, 0.5), [[1, 1]])
    assert (movement(outs, 0 * outs, 1.0) == 0).all() and (movement(None, outs, 1.0) == 0).all()


def test_dead_units_are_0_on_all_digits_and_a_part_of_the_zeros():
    result = run(SHIPPED)
    assert (result.dead <= result.zero + 1e-9).all()
    assert not (result.silent[..., None] & result.active).any()
    assert result.config.moments[-1] == 20 * EPOCH


def test_the_data_tab_offers_scalars_as_csv_and_every_output_once_as_json(monkeypatch):
    offered = {}
    monkeypatch.setattr(
        st, "download_button", lambda name, content, **_: offered.update({name: content})
    )
    _data(EXPERIMENT, run(SHIPPED))
    assert set(offered) == {"scalars.csv", "runs.csv", "histograms.json"}
    assert offered["scalars.csv"].startswith(
        "run,start,layer,step,std,zero,dead,moved\nhealthy,1,1,0,"
    )
    file = json.loads(offered["histograms.json"])
    rows = file["histograms"]
    assert len(file["bin_edges"]) == len(EDGES)
    assert len(rows) == len(KINDS) * LAYERS * len(run(SHIPPED).config.moments)
    for row in rows:
        assert row["zeros"] + row["outside"] + sum(row["counts"]) == OUTPUTS
        assert row["percentiles"] == sorted(row["percentiles"])
