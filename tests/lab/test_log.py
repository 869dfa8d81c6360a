"""A visitor's own training log: read as people have them, or refused in one sentence."""

import json

import numpy as np
import pytest

from core.lab.doctor import Cause, diagnose, note
from core.lab.log import MOST_MOMENTS, read_log
from core.lab.upload import UploadError
from tests.lab.refusals import NO_TEXT, assert_refused

GOOD = "epoch,loss,val_loss,accuracy,val_accuracy\n1,2,2.1,.3,.2\n2,1,1.2,.6,.5\n3,.5,.8,.9,.7\n"
EPOCHS = range(1, 9)


def lines(*rows):
    return "\n".join(rows).encode()


def body(cell, column="loss"):
    """Return a log whose second row holds `cell`."""
    return f"epoch,{column}\n1,2\n2,{cell}\n3,1\n".encode()


def json_lines(*rows):
    return "\n".join(map(json.dumps, rows)).encode()


# (what is wrong, the file, words that its sentence must contain)
BAD = [
    *NO_TEXT,
    ("Markdown", b"# My run\n\nIt went well.\nReally.\n", "No column"),
    ("a Python dictionary", b"{'loss': 1}\n{'loss': 2}", "Line 1 is not JSON"),
    ("half a JSON", b'{"loss": [1, 2', "Line 1 is not JSON"),
    ("a bad line of JSON", b'{"loss": 1}\n{"loss": }\n', "Line 2 is not JSON"),
    ("CSV below JSON", b'{"loss": 1}\nepoch,loss\n', "Line 2 is not JSON"),
    ("deep JSON", b"[" * 100_000, "nested too deeply"),
    ("deep JSON that closes", b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    ("numbers alone in JSON", b"[1, 2, 3]", "must hold rows"),
    ("rows without names", b"[[1, 2], [3, 4]]", "must hold rows"),
    ("lines of numbers", b"[1]\n[2]\n", "must hold rows"),
    ("an empty list", b"[]", "0 rows"),
    ("an empty object", b"{}", "1 row of"),
    ("one row of JSON", b'{"epoch": 1, "loss": 2}', "1 row of"),
    ("an empty history", b'{"log_history": []}', "0 rows"),
    ("a history of numbers", b'{"log_history": [1, 2]}', "must hold rows"),
    ("columns of nothing", b'{"loss": [], "accuracy": []}', "0 rows"),
    ("a notebook", b'{"cells": [{"source": []}, {"source": []}], "nbformat": 4}', "No column"),
    (
        "text for a loss",
        json_lines({"loss": "low"}, {"loss": "lower"}),
        'holds "low", not a number',
    ),
    ("a list for a loss", json_lines({"loss": [1]}, {"loss": [2]}), "not a number"),
    ("true for a loss", json_lines({"loss": True}, {"loss": False}), "not a number"),
    ("a number of 400 digits", b'[{"loss": 1' + b"0" * 400 + b'}, {"loss": 1}]', "not a number"),
    ("a number of 5,000 digits", b'[{"loss": 1' + b"0" * 5000 + b'}, {"loss": 1}]', "not JSON"),
    ("names alone", b"epoch,loss\n", "0 rows"),
    ("one row", b"epoch,loss\n1,2\n", "1 row of"),
    ("no names", b"1,2\n2,1\n3,0.5\n", "names of the columns"),
    ("a name twice", b"epoch,loss,loss\n1,2,3\n2,3,4\n", 'called "loss"'),
    ("a short row", b"epoch,loss\n1,2\n3\n", "Row 2 below the names has 1 value for"),
    ("a long row", b"epoch,loss\n1,2\n2,1,5\n", "Row 2 below the names has 3 values"),
    ("quotes that do not close", b'epoch,loss\n1,"2\n3,4\n', "quotation marks"),
    ("200 columns", ",".join(f"x{j}" for j in range(200)).encode(), "200 columns"),
    ("no curve", b"epoch,lr\n1,0.1\n2,0.1\n", "No column"),
    ("weights and sizes", b"height,weight\n180,80\n170,60\n", "No column"),
    ("a loss that is an accuracy", b"epoch,loss_accuracy\n1,2\n2,1\n", "No column"),
    ("a curve without values", b"epoch,loss\n1,\n2,\n3,\n", "No column"),
    ("one value", b"epoch,loss\n1,2\n2,\n3,\n", "only one moment"),
    ("all in one step", b"step,loss\n5,2\n5,1\n5,.5\n", "only one moment"),
    ("a word in a curve", body("high"), 'holds "high", not a number'),
    ("a mistyped number", body("1..5"), 'holds "1..5"'),
    ("decimal commas", b"epoch;loss\n1;2,5\n2;1,5\n", 'holds "2,5"'),
    ("a formula", body('"=SUM(A1:A9)"'), "not a number"),
    ("a script", body("<script>alert(1)</script>"), "not a number"),
    ("a negative loss", body("-0.5"), "negative"),
    ("an accuracy of 150%", body("150", "accuracy"), "no accuracy"),
    ("a negative accuracy", body("-0.1", "accuracy"), "no accuracy"),
    ("an epoch that is a word", b"epoch,loss\none,2\ntwo,1\n", 'holds "one"'),
    ("an epoch that is missing", b"epoch,loss\n1,2\n,1\n3,1\n", "is empty"),
    ("an epoch that is not finite", b"epoch,loss\n1,2\ninf,1\n", "from 0 up"),
    ("an epoch that is no number", b"epoch,loss\nnan,2\n2,1\n", "from 0 up"),
    ("a negative step", b"step,loss\n-1,2\n2,1\n", "from 0 up"),
    ("two runs in one file", b"epoch,loss\n1,2\n2,1\n1,2\n2,1\n", "goes back at row 3"),
    ("a scalar without a name", b"Wall time,Step,Value\n1,1,2\n2,2,1\n", "call the file"),
]


@pytest.mark.parametrize("content, told", [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_log_is_refused_in_a_sentence(content, told):
    assert_refused(read_log, content, told)


def rows_of(**curves):
    return [dict(zip(curves, row)) for row in zip(*curves.values())]


def keras():
    rows = [f"{e - 1},{0.1 * e},{2 / e},{0.09 * e},{2.2 / e}" for e in EPOCHS]
    return lines("epoch,accuracy,loss,val_accuracy,val_loss", *rows)


def lightning():
    rows = [
        row
        for e in EPOCHS
        for row in (
            f"{e - 1},{100 * e - 51},,{9 / e},,,",
            f"{e - 1},{100 * e - 1},,,{0.09 * e},{2.2 / e},",
            f"{e - 1},{100 * e - 1},{2 / e},,,,{0.1 * e}",
        )
    ]
    names = "epoch,step,train_loss_epoch,train_loss_step,val_acc,val_loss,train_acc"
    return lines(names, *rows)


def hugging_face():
    rows = []
    for e in EPOCHS:
        rows.append({"loss": 2 / e, "accuracy": 0.1 * e, "grad_norm": 1, "epoch": e, "step": e})
        rows.append({"eval_loss": 2.2 / e, "eval_accuracy": 0.09 * e, "epoch": e, "step": e})
    return [*rows, {"train_loss": 0.5, "train_runtime": 99, "epoch": 8, "step": 8}]


def percent():
    rows = [f"{e}\t{2 / e}\t{10 * e}%\t{2.2 / e}\t{9 * e}%" for e in EPOCHS]
    return lines("Epoch\tTrain Loss\tTrain Acc\tTest Loss\tTest Acc", *rows)


LOGS = {
    "Keras": keras(),
    "Lightning": lightning(),
    "Hugging Face, lines": json_lines(*hugging_face()),
    "Hugging Face, state": json.dumps({"epoch": 8, "log_history": hugging_face()}).encode(),
    "percent, tabs": percent(),
    "a history": json.dumps(
        {
            "epoch": [*EPOCHS],
            "loss": [2 / e for e in EPOCHS],
            "val_loss": [2.2 / e for e in EPOCHS],
            "acc": [0.1 * e for e in EPOCHS],
            "val_acc": [0.09 * e for e in EPOCHS],
        }
    ).encode(),
    "groups": json_lines(
        *(
            {
                "epoch": e,
                "train": {"loss": 2 / e, "accuracy": 0.1 * e},
                "validation": {"loss": 2.2 / e, "accuracy": 0.09 * e},
            }
            for e in EPOCHS
        )
    ),
    "joined names": lines(
        "iter,trainLoss,valLoss,trainacc,testAcc,lr",
        *(f"{e},{2 / e},{2.2 / e},{0.1 * e},{0.09 * e},NA" for e in EPOCHS),
    ),
}


@pytest.mark.parametrize("content", LOGS.values(), ids=LOGS)
def test_logs_as_people_have_them(content):
    log = read_log("my run.csv", content)
    epochs = np.array(EPOCHS)
    assert log.name == "my run.csv" and len(log.columns) == 4
    np.testing.assert_allclose(log.curves.train_loss, 2 / epochs)
    np.testing.assert_allclose(log.curves.val_loss, 2.2 / epochs)
    np.testing.assert_allclose(log.curves.train_accuracy, 0.1 * epochs)
    np.testing.assert_allclose(log.curves.val_accuracy, 0.09 * epochs)


@pytest.mark.parametrize(
    "name, curve",
    [
        ("train_loss.csv", "train_loss"),
        ("run-validation-tag-epoch_accuracy.csv", "val_accuracy"),
        ("run-train-tag-Loss_train.csv", "train_loss"),
    ],
)
def test_a_scalar_of_tensorboard_is_called_as_its_file(name, curve):
    log = read_log(name, lines("Wall time,Step,Value", "1.7e9,10,0.5", "1.7e9,20,0.25"))
    assert log.unit == "step" and list(log.columns) == [curve]
    np.testing.assert_array_equal(log.curves.epoch, [10, 20])
    np.testing.assert_array_equal(getattr(log.curves, curve), [0.5, 0.25])


def test_gaps_between_values_are_lines_and_none_is_made_up_before_the_first():
    log = read_log("a", lines("epoch,loss,val_loss", "1,4,", "2,3,2", "3,2,NA", "4,1,1", "5,.5,"))
    np.testing.assert_array_equal(log.curves.val_loss, [np.nan, 2, 1.5, 1, 1])


def test_what_stands_at_one_moment_is_averaged():
    log = read_log("a", lines("epoch,loss", "1,4", "1,2", "2,1", "3,1"))
    np.testing.assert_array_equal(log.curves.train_loss, [3, 1, 1])


def test_long_logs_are_averaged_in_parts():
    log = read_log("a", lines("step,loss", *(f"{s},{1 + s % 2}" for s in range(40_000))))
    assert len(log.curves.epoch) == MOST_MOMENTS
    np.testing.assert_allclose(log.curves.train_loss, 1.5)


def test_the_doctor_reads_a_log_and_says_what_it_lacks():
    overfit = lines("epoch,acc,val_acc", *(f"{e},{min(1, 0.3 * e)},0.6" for e in EPOCHS))
    found = diagnose(read_log("a", overfit).curves)
    assert found.cause is Cause.OVERFITTING
    assert set(found.lacks) == {"train_loss", "activations", "update_ratio", "classes"}
    lost = lines("epoch,loss", "1,2", "2,5", "3,nan", "4,nan")
    assert diagnose(read_log("a", lost).curves).cause is Cause.DIVERGED


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_read_or_refused(seed):
    rng = np.random.default_rng(seed)
    cells = ["1", "2", "0", "0.5", "nan", "", "inf", "1e400", "-3", '"', "é"]
    chance = np.array([5, 5, 5, 5, 1, 1, 0.5, 0.5, 0.1, 0.1, 0.1])
    for _ in range(20):
        names = ",".join(rng.permutation(["epoch", "loss", "acc", "val_loss", "val_acc"])[:3])
        text = "\n".join(",".join(rng.choice(cells, 3, p=chance / chance.sum())) for _ in range(9))
        try:
            note(diagnose(read_log("a", f"{names}\n{text}".encode()).curves))
        except UploadError:
            continue
