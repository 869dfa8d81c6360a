"""Training: one run or many alike, divergence as data, changes while it runs."""

from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.lab.datasets import blobs, load_digits
from core.nn.divergence import Divergence
from core.nn.layers import naive_cross_entropy_forward
from core.nn.network import backward, forward, init_network, stack_networks
from core.nn.preprocessing import fit_standardizer
from core.nn.record import arrays_of
from core.nn.training import (
    Hyper,
    Record,
    accuracy,
    batches,
    chunks,
    collect,
    history,
    train,
    train_many,
)

DATA = blobs(60, rng=np.random.default_rng(0))
OPTIONS = {"batch_size": 16, "epochs": 3}
EDGES = np.linspace(-1, 1, 21)
COUNTED = {"histograms": EDGES}


def network(seed=0, activation="tanh", sizes=(2, 8, 6, 3), scheme="xavier", **options):
    return init_network(sizes, scheme, activation, rng=np.random.default_rng(seed), **options)


def stacked(runs, **options):
    return stack_networks([network(seed, **options) for seed in range(runs)])


def trained(net, hyper, data=DATA, runner=train, **options):
    return list(runner(net, data, hyper, rng=np.random.default_rng(7), **{**OPTIONS, **options}))


def parameters(net):
    return [p for layer in (*net.layers, *net.running) for p in layer.values()]


def assert_same_records(records, others, run=...):
    """Compare every array of `records`, in one run, with the same of `others`."""
    for record, other in zip(records, others, strict=True):
        for field in fields(Record):
            ours, theirs = getattr(record, field.name), getattr(other, field.name)
            if isinstance(ours, np.ndarray):
                np.testing.assert_allclose(ours[run], theirs, rtol=1e-9, atol=1e-12)


KINDS = [
    {},
    {"activation": "prelu", "batch_norm": "before"},
    {"activation": "maxout", "batch_norm": "after", "dropout": 0.3},
    {"activation": "relu", "dropout": 0.5},
]
RATES, REGS = np.array([0.01, 0.1, 0.5]), np.array([0, 0.01, 0.1])


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_stacked_runs_equal_single_trainings(kind):
    stack = stacked(3, **kind)
    records = trained(stack, Hyper(learning_rate=RATES, reg=REGS, momentum=0.9, decay=0.9))
    for run in range(3):
        alone = network(run, **kind)
        hyper = Hyper(learning_rate=RATES[run], reg=REGS[run], momentum=0.9, decay=0.9)
        assert_same_records(records, trained(alone, hyper), run)
        for ours, theirs in zip(parameters(stack), parameters(alone), strict=True):
            np.testing.assert_allclose(ours[run], theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_chunks_on_the_pool_equal_one_stack(kind, monkeypatch):
    monkeypatch.setattr("core.nn.training.CHUNK_BYTES", 1)
    stack, whole = stacked(5, **kind), stacked(5, **kind)
    hyper = Hyper(learning_rate=np.array([0.01, 0.1, 1e9, 0.5, 0.2]), momentum=0.5)
    records, expected = trained(stack, hyper, runner=train_many), trained(whole, hyper)
    assert len(chunks(stack)) == 5
    assert_same_records(records, expected)
    assert [r.divergences for r in records] == [r.divergences for r in expected]
    for ours, theirs in zip(parameters(stack), parameters(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_measuring_one_sample_after_the_other_changes_nothing(monkeypatch):
    together = trained(stacked(3), Hyper(learning_rate=0.1, reg=0.1))
    monkeypatch.setattr("core.nn.training.MEASURED_BYTES", 1)
    assert_same_records(trained(stacked(3), Hyper(learning_rate=0.1, reg=0.1)), together)


@pytest.mark.parametrize("runner", [train, train_many])
def test_runs_may_have_their_own_data_and_labels(runner):
    other = blobs(60, rng=np.random.default_rng(5))
    names = ("x_train", "y_train", "x_val", "y_val")
    both = {n: np.stack([getattr(DATA, n), getattr(other, n)]) for n in names}
    hyper = Hyper(learning_rate=0.1)
    records = trained(stacked(2), hyper, replace(DATA, **both), runner)
    for run, data in enumerate([DATA, other]):
        assert_same_records(records, trained(network(run), hyper, data), run)


def test_one_step_by_hand():
    """v = g and then 0.9 g + g', with the weights' gradients holding reg * w."""
    net, rate, reg = network(sizes=(2, 3)), 0.1, 0.5
    weight, bias = (p.copy() for p in parameters(net))
    x, y = DATA.x_train, DATA.y_train
    speed = 0, 0
    for _ in range(2):
        exp = np.exp(x @ weight + bias)
        dlogits = (exp / exp.sum(axis=1, keepdims=True) - np.eye(3)[y]) / len(y)
        gradient = x.T @ dlogits + reg * weight, dlogits.sum(axis=0)
        speed = [0.9 * s + g for s, g in zip(speed, gradient)]
        weight, bias = weight - rate * speed[0], bias - rate * speed[1]
    records = trained(
        net, Hyper(learning_rate=rate, reg=reg, momentum=0.9), batch_size=len(y), epochs=2
    )
    np.testing.assert_allclose(net.layers[0]["weight"], weight)
    np.testing.assert_allclose(net.layers[0]["bias"], bias)
    update = rate * speed[0]
    ratio = np.linalg.norm(update) / np.linalg.norm(weight + update)
    np.testing.assert_allclose(records[-1].update_ratio, [ratio])
    assert records[-1].reg_loss == pytest.approx(0.5 * reg * (weight**2).sum())
    assert records[-1].loss == records[-1].data_loss + records[-1].reg_loss


def test_the_first_record_is_the_start():
    start = trained(network(scheme=1e-4), Hyper(learning_rate=0.1))[0]
    assert start.step == start.epoch == start.batch_loss.size == 0
    assert start.data_loss == pytest.approx(np.log(3), abs=1e-3)
    assert np.isnan(start.update_ratio).all() and start.exploded == -1


def test_an_epoch_has_every_sample_once():
    x, y = np.arange(50.0)[:, None], np.arange(50)
    data = replace(DATA, x_train=x, y_train=y)
    parts = list(batches(data, 16, 2, rng=np.random.default_rng(0)))
    assert [len(labels) for _, _, labels in parts] == 2 * [16, 16, 16, 2]
    for epoch in range(2):
        labels = np.concatenate([labels for e, _, labels in parts if e == epoch])
        samples = np.concatenate([samples for e, samples, _ in parts if e == epoch])
        np.testing.assert_array_equal(np.sort(labels), y)
        np.testing.assert_array_equal(samples[:, 0], labels)


def test_records_by_step_and_by_epoch_tell_the_same_story():
    hyper = Hyper(learning_rate=0.1)
    by_epoch = trained(network(), hyper)
    by_step = trained(network(), hyper, record_every=1)
    assert [r.epoch for r in by_epoch] == [0, 1, 2, 3]
    assert len(by_step) == 1 + 3 * 3  # 48 samples in batches of 16
    assert by_step[-1].data_loss == by_epoch[-1].data_loss
    losses = [np.concatenate([r.batch_loss for r in records]) for records in (by_step, by_epoch)]
    np.testing.assert_array_equal(*losses)


def test_what_is_not_measured_is_nan():
    last = trained(network(), Hyper(learning_rate=0.1), measure=("val",))[-1]
    assert np.isnan([last.data_loss, last.train_accuracy]).all() and np.isnan(last.dead).all()
    assert np.isfinite([last.val_loss, last.val_accuracy, last.reg_loss]).all()


def test_dead_and_saturated_units_are_reported():
    dead = trained(network(activation="relu", bias=-100.0), Hyper(learning_rate=0.1))[-1]
    assert (dead.dead == 1).all() and (dead.saturated == 0).all()
    full = trained(network(scheme=100.0), Hyper(learning_rate=1e-9))[-1]
    assert (full.saturated > 0.9).all() and (full.dead == 0).all()


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_histograms_count_the_outputs_of_every_hidden_layer(activation):
    net = network(activation=activation)
    for record in train(
        net, DATA, Hyper(learning_rate=0.1), rng=np.random.default_rng(7), **COUNTED, **OPTIONS
    ):
        outs = [trace.out for trace in forward(net, DATA.x_train)[1][:-1]]
        assert record.counts.shape == (2, len(EDGES))
        for counts, out in zip(record.counts, outs, strict=True):
            np.testing.assert_array_equal(counts[:-1], np.histogram(out, EDGES)[0])
            assert counts.sum() == out.size


def test_histograms_of_a_stack_are_those_of_its_runs(monkeypatch):
    monkeypatch.setattr("core.nn.training.CHUNK_BYTES", 1)
    hyper = Hyper(learning_rate=0.1)
    records = trained(stacked(3), hyper, **COUNTED)
    in_chunks = trained(stacked(3), hyper, runner=train_many, **COUNTED)
    for run in range(3):
        for record, chunked, alone in zip(
            records, in_chunks, trained(network(run), hyper, **COUNTED), strict=True
        ):
            np.testing.assert_array_equal(record.counts[run], alone.counts)
            np.testing.assert_array_equal(chunked.counts[run], alone.counts)


def test_without_histograms_there_are_no_counts():
    last = trained(stacked(3), Hyper(learning_rate=0.1), runner=train_many)[-1]
    assert last.counts.shape == (3, 2, 0)
    assert trained(network(sizes=(2, 3)), Hyper(learning_rate=0.1), **COUNTED)[-1].counts.size == 0


def test_a_hyper_parameter_changed_between_records_counts_from_then_on():
    net, hyper = network(), Hyper(learning_rate=0.1)
    records = train(net, DATA, hyper, rng=np.random.default_rng(7), **OPTIONS)
    list(islice(records, 2))
    before = [p.copy() for p in parameters(net)]
    hyper.learning_rate = 0.0
    still = next(records)
    for ours, theirs in zip(parameters(net), before):
        np.testing.assert_array_equal(ours, theirs)
    assert (still.update_ratio == 0).all()


def test_learning_rate_decays_every_epoch():
    ratios = [
        r.update_ratio[0] for r in trained(network(), Hyper(learning_rate=1e-6, decay=0.1))[1:]
    ]
    assert ratios[2] / ratios[0] == pytest.approx(0.01, rel=0.5)


def test_training_keeps_the_dtype():
    net = stacked(2, dtype=np.float32, batch_norm="before", dropout=0.2)
    hyper = Hyper(learning_rate=np.array([0.1, 0.2]), reg=np.array([0.0, 0.1]), momentum=0.9)
    trained(net, hyper)
    assert {p.dtype for p in parameters(net)} == {np.dtype(np.float32)}


def test_data_given_to_train_are_left_alone():
    before = DATA.x_train.copy()
    trained(network(dtype=np.float32), Hyper(learning_rate=0.1))
    np.testing.assert_array_equal(DATA.x_train, before)


def test_a_sound_network_learns_and_a_broken_one_does_not():
    def flipped(dlogits, traces):
        gradients = backward(dlogits, traces)
        gradients[1]["weight"] *= -1
        return gradients

    options = {"epochs": 60, "batch_size": 48}
    sound = trained(network(), Hyper(learning_rate=0.5, momentum=0.9), **options)[-1]
    broken = trained(
        network(), Hyper(learning_rate=0.5, momentum=0.9), backward=flipped, **options
    )[-1]
    assert sound.train_accuracy > 0.95
    assert broken.data_loss > 2 * sound.data_loss


def test_a_frozen_layer_stays():
    def frozen(dlogits, traces):
        gradients = backward(dlogits, traces)
        return [{n: 0 * g for n, g in gradients[0].items()}, *gradients[1:]]

    net = network()
    before = net.layers[0]["weight"].copy()
    last = trained(net, Hyper(learning_rate=0.5), backward=frozen)[-1]
    np.testing.assert_array_equal(net.layers[0]["weight"], before)
    assert last.update_ratio[0] == 0 and last.update_ratio[1] > 0


def test_divergence_is_located_and_stays():
    net = stacked(3, activation="relu")
    records = trained(net, Hyper(learning_rate=np.array([0.1, 1e200, 0.1])), epochs=4)
    last = records[-1]
    assert last.divergences.keys() == {1}
    assert last.divergences[1].step <= 3 and last.divergences[1].quantity
    assert np.isnan(last.data_loss[1]) and np.isfinite(last.data_loss[[0, 2]]).all()
    assert np.isnan(net.layers[-1]["weight"][1]).any()
    assert last.is_finite.tolist() == [True, False, True]
    assert last.has_failed.tolist() == [False, True, False]


def test_divergence_names_the_gradient_that_overflowed():
    def overflowing(dlogits, traces):
        gradients = backward(dlogits, traces)
        gradients[1]["weight"] *= np.inf
        return gradients

    net = network(sizes=(2, 8, 6, 3))
    last = trained(net, Hyper(learning_rate=0.1), backward=overflowing)[-1]
    assert last.divergences[0] == Divergence(step=1, layer=2, quantity="weight gradient")


def test_divergence_in_the_very_last_update_is_seen():
    def overflowing(dlogits, traces):
        gradients = backward(dlogits, traces)
        gradients[-1]["bias"] *= np.nan
        return gradients

    options = {"batch_size": 48, "epochs": 1, "backward": overflowing}
    last = trained(network(), Hyper(learning_rate=0.1), **options)[-1]
    assert last.divergences == {0: Divergence(step=1, layer=3, quantity="bias gradient")}


def test_divergence_in_the_start_is_seen_in_the_first_step():
    net = network(activation="relu")
    net.layers[1]["bias"][:] = np.inf
    last = trained(net, Hyper(learning_rate=0.1))[-1]
    assert last.divergences[0] == Divergence(step=0, layer=2, quantity="bias")


def test_a_loss_may_explode_and_stay_finite():
    last = trained(network(), Hyper(learning_rate=30.0), epochs=10)[-1]
    assert last.exploded > 0 and not last.divergences and np.isfinite(last.data_loss)
    assert last.has_exploded and last.is_finite and last.has_failed


INFINITE = {
    "data": replace(
        DATA,
        x_train=np.array([[1.0], [-1], [0.1], [0.1]]),
        y_train=np.array([0, 1, 0, 1]),
        x_val=np.ones((1, 1)),
        y_val=np.zeros(1, int),
    ),
    "loss": naive_cross_entropy_forward,
    "batch_size": 2,
}


def infinitely_wrong():
    net = network(sizes=(1, 2))
    net.layers[0]["weight"][:] = -400, 400
    return net


def test_a_first_loss_that_is_infinite_is_noticed():
    hyper = Hyper(learning_rate=1e-3)
    alone = trained(infinitely_wrong(), hyper, **INFINITE)
    assert alone[1].divergences == {0: Divergence(step=1, layer=1, quantity="loss")}
    assert not alone[-1].is_finite and not alone[-1].has_exploded
    stack = stack_networks([infinitely_wrong(), network(sizes=(1, 2))])
    records = trained(stack, hyper, **INFINITE)
    assert [r.divergences for r in records] == [r.divergences for r in alone]
    assert records[-1].exploded.tolist() == [-1, -1]


@pytest.mark.parametrize("name", ["weight", "bias"])
@pytest.mark.parametrize("batch_norm", ["none", "after"])
@pytest.mark.parametrize("runs", [None, 3])
def test_a_parameter_that_goes_unseen_is_found_in_its_step(name, batch_norm, runs):
    """One unit of -inf behind a ReLU is off, and the loss goes on as if nothing had happened."""
    calls = []

    def overflowing(dlogits, traces):
        gradients = backward(dlogits, traces)
        calls.append(0)
        if len(calls) == 3:
            last = gradients[0][name][-1] if runs else gradients[0][name]
            last[:, 0] = np.inf
        return gradients

    options = {"activation": "relu", "batch_norm": batch_norm}
    net = stacked(runs, **options) if runs else network(**options)
    data = DATA.map(lambda x: np.abs(x) + 0.1)
    hyper = Hyper(learning_rate=1e-3, momentum=0.9)
    records = trained(net, hyper, data, backward=overflowing, epochs=4, record_every=4)
    broken = runs - 1 if runs else 0
    found = {broken: Divergence(step=3, layer=1, quantity=f"{name} gradient")}
    assert [r.divergences for r in records] == [{}, found, found, found]
    assert np.isfinite(records[-1].batch_loss).all()


def test_training_is_drained_into_what_is_asked_for():
    hyper = Hyper(learning_rate=np.array([0.1, 0.1, 30.0]), reg=np.array([0, 1e200, 0]))
    shares, draining = [], collect(iter(trained(stacked(3), hyper)), "val_loss", "steps", epochs=3)
    while True:
        try:
            shares.append(next(draining))
        except StopIteration as end:
            seen = end.value
            break
    assert shares == [0, 1 / 3, 2 / 3, 1]
    records = trained(stacked(3), hyper)
    assert seen.keys() == {"val_loss", "steps", "non_finite", "exploded"}
    np.testing.assert_array_equal(seen["val_loss"], history(records, "val_loss")["val_loss"])
    assert seen["steps"].shape == (3, 4)
    assert seen["non_finite"].tolist() == [False, True, False]
    assert seen["exploded"].tolist() == [False, True, True]


@pytest.mark.parametrize("runner", [train, train_many])
@pytest.mark.parametrize(
    "labels, message",
    [
        ({"y_train": DATA.y_train + 1}, "labels must be whole numbers from 0 to 2, got 3"),
        ({"y_val": DATA.y_val - 1}, "labels must be whole numbers from 0 to 2, got -1"),
        ({"y_train": DATA.y_train[1:]}, r"y_train must have shape \(48,\) .*, got \(47,\)"),
        ({"y_val": DATA.y_val[:, None]}, r"y_val must have shape \(12,\) .*, got \(12, 1\)"),
    ],
)
def test_labels_are_checked_before_training(runner, labels, message):
    with pytest.raises(ValueError, match=message):
        trained(stacked(2), Hyper(learning_rate=0.1), replace(DATA, **labels), runner, measure=())


def test_batch_norm_is_not_left_a_sample_alone():
    net, hyper = network(batch_norm="before"), Hyper(learning_rate=0.1)
    for batch_size in (1, 47):
        with pytest.raises(ValueError, match=f"sample alone, got {batch_size} for 48$"):
            trained(net, hyper, batch_size=batch_size)
    allowed = network(batch_norm="before", allow_batch_of_one=True)
    assert len(trained(allowed, hyper, batch_size=47)) == 4


ABANDONING = np.array([0.1, 1e200, 0.1, 30.0, 0.2])
in_chunks = pytest.mark.parametrize("chunk_bytes", [10**9, 1], ids=["two chunks", "five chunks"])


@in_chunks
@pytest.mark.parametrize("kind", [{}, {"activation": "prelu", "batch_norm": "before"}], ids=str)
def test_abandoned_runs_leave_the_others_alone(kind, chunk_bytes, monkeypatch):
    monkeypatch.setattr("core.nn.training.CHUNK_BYTES", chunk_bytes)
    hyper = Hyper(learning_rate=ABANDONING, reg=0.01, momentum=0.9, decay=0.9)
    options = {**COUNTED, "epochs": 6, "runner": train_many}
    whole, stack = stacked(5, **kind), stacked(5, **kind)
    records = trained(stack, hyper, abandon=True, **options)
    expected = trained(whole, hyper, **options)
    stay = ~records[-1].has_failed
    assert stay[[0, 2, 4]].all() and not stay.all()
    for record, other in zip(records, expected, strict=True):
        for ours, theirs in zip(arrays_of(record).values(), arrays_of(other).values()):
            np.testing.assert_array_equal(ours[stay], theirs[stay])
    for ours, theirs in zip(parameters(stack), parameters(whole), strict=True):
        np.testing.assert_array_equal(ours[stay], theirs[stay])


@in_chunks
def test_abandoned_runs_have_had_the_steps_to_the_record_that_found_them(chunk_bytes, monkeypatch):
    monkeypatch.setattr("core.nn.training.CHUNK_BYTES", chunk_bytes)
    stack, hyper = stacked(5, activation="relu"), Hyper(learning_rate=ABANDONING)
    options = {"record_every": 2, "batch_size": 16, "epochs": 6, "abandon": True, **COUNTED}
    kept, records = [], []
    for record in train_many(stack, DATA, hyper, rng=np.random.default_rng(7), **options):
        records.append(record)
        kept.append(stack.layers[0]["weight"].copy())
    last = records[-1]
    assert last.step == 18
    for run in range(5):
        found = next((i for i, r in enumerate(records) if r.has_failed[run]), len(records) - 1)
        assert last.steps[run] == records[found].step
        assert last.exploded[run] == records[found].exploded[run]
        for record, weight in list(zip(records, kept))[found + 1 :]:
            np.testing.assert_array_equal(weight[run], kept[found][run])
            assert np.isnan([record.val_loss[run], record.reg_loss[run]]).all()
            assert np.isnan(record.batch_loss[run]).all() and (record.counts[run] == 0).all()
    assert last.steps.tolist()[1] == 2 and last.steps.tolist()[0] == 18
    assert last.divergences == records[2].divergences


@pytest.mark.parametrize("net", [network, lambda: stacked(2)], ids=["one network", "stack"])
def test_training_ends_when_every_run_is_abandoned(net):
    records = trained(net(), Hyper(learning_rate=1e200), abandon=True, record_every=2)
    assert [r.step for r in records] == [0, 2]
    assert records[-1].has_failed.all() and (records[-1].steps == 2).all()


def test_abandoned_runs_that_have_their_own_data():
    other = blobs(60, rng=np.random.default_rng(5))
    names = ("x_train", "y_train", "x_val", "y_val")
    both = {n: np.stack([getattr(DATA, n), getattr(other, n)]) for n in names}
    hyper = Hyper(learning_rate=np.array([1e200, 0.1]))
    last = trained(stacked(2), hyper, replace(DATA, **both), abandon=True)[-1]
    alone = trained(network(1), Hyper(learning_rate=0.1), other)[-1]
    assert last.data_loss[1] == pytest.approx(alone.data_loss, rel=1e-12)
    assert last.steps.tolist() == [3, 9]


def test_the_naive_loss_breaks_where_log_sum_exp_goes_on():
    data = DATA.map(lambda x: 500 * x)
    sound, naive = (
        trained(network(sizes=(2, 3), scheme=1.0), Hyper(learning_rate=1e-5), data, **loss)[-1]
        for loss in ({}, {"loss": naive_cross_entropy_forward})
    )
    assert not sound.divergences
    assert (naive.divergences[0].layer, naive.divergences[0].quantity) == (1, "loss")


def test_accuracy_of_a_diverged_run_is_that_of_class_0():
    labels = np.array([0, 0, 1, 2])
    assert accuracy(np.full((4, 3), np.nan), labels) == 0.5


@settings(deadline=None, max_examples=25)
@given(
    rate=st.floats(-6, 300).map(lambda e: 10.0**e),
    reg=st.floats(-6, 300).map(lambda e: 10.0**e),
    scale=st.floats(-20, 20).map(lambda e: 10.0**e),
    activation=st.sampled_from(["relu", "tanh", "selu", "gelu", "softplus", "prelu", "maxout"]),
    batch_norm=st.sampled_from(["none", "before"]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_no_setting_warns_or_fails(rate, reg, scale, activation, batch_norm, dtype):
    net = network(activation=activation, scheme=scale, batch_norm=batch_norm, dtype=dtype)
    records = trained(net, Hyper(learning_rate=rate, reg=reg, momentum=0.9))
    assert len(records) == 4
    assert (records[-1].divergences != {}) >= np.isnan(records[-1].batch_loss).any()


def test_chunks_cover_all_runs_evenly():
    parts = chunks(stacked(37, sizes=(64, 50, 10)))
    sizes = [part.stop - part.start for part in parts]
    assert sum(sizes) == 37 and max(sizes) - min(sizes) <= 1
    assert parts[0].start == 0 and parts[-1].stop == 37


def test_digits_are_learned():
    data = load_digits()
    data = data.map(fit_standardizer(data.x_train).transform)
    net = network(activation="relu", sizes=(64, 50, 10), scheme="he")
    last = trained(
        net, Hyper(learning_rate=0.05, momentum=0.9, reg=1e-4), data, batch_size=32, epochs=10
    )[-1]
    assert last.val_accuracy > 0.95 and not last.divergences
