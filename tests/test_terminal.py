"""The terminal: `python -m core`."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import __main__ as terminal
from core.__main__ import COLUMNS, is_typical, main
from core.experiments import everything, load
from core.lab import datasets, results
from core.lab.experiment import Experiment
from core.lab.finding import Finding, Outcome

ROOT = Path(__file__).parents[1]
CHEAP = ["activations", "zero-centering"]


def test_without_arguments_every_experiment_is_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(experiment.name in listed for experiment in everything())


def test_a_chapter_is_listed_alone(capsys):
    assert main(["initialization"]) == 0
    listed = capsys.readouterr().out
    assert "variance" in listed and "--weight_scale" in listed and "saturation" not in listed


def test_findings_are_printed_as_a_table(capsys):
    assert main([*CHEAP, "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["A4", "holds", "agreement", "1"]


def test_every_outcome_is_named_and_no_value_is_nan(capsys, monkeypatch):
    values = {"epochs": "never", "share": 0.25, "ratio": float("nan"), "worst": float("inf")}
    found = (
        Finding(claim="A1", outcome=Outcome.FAILS, values=values),
        Finding(claim="A2", outcome=Outcome.UNCLEAR, values={}),
    )
    monkeypatch.setattr(Experiment, "findings", lambda self, result: found)
    assert main(CHEAP) == 0
    assert capsys.readouterr().out.splitlines() == [
        "A1  does not hold   epochs  never",
        "A1  does not hold   share   0.25",
        "A2  not clear here",
    ]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["nowhere"], "chapter must be one of activations, "),
        (["--seed", "3"], "chapter must be one of activations, "),
        (["activations", "nothing"], "experiment of activations must be one of "),
        (["hpo", "x"], "experiment of hpo must be one of "),
        ([*CHEAP, "--sed", "3"], "option must be one of --inputs, "),
        ([*CHEAP, "extra"], "option must be one of --inputs, "),
        ([*CHEAP, "--seed", "3", "4"], "option must be one of --inputs, "),
        ([*CHEAP, "--seed"], "--seed needs a value"),
        ([*CHEAP, "--seed", "--mean", "1"], "--seed needs a value"),
        ([*CHEAP, "--seed", "3", "--seed", "3"], "--seed is given twice"),
        ([*CHEAP, "--mean", "7"], "--mean must be between 0 and 2, got 7"),
        ([*CHEAP, "--mean", "nan"], "--mean must be between 0 and 2, got nan"),
        ([*CHEAP, "--inputs", "x"], "--inputs must be one of positive, "),
        (["activations", "cost", "--width", "21"], "--width must be one of 20, 100, "),
        (["--write-results", "nowhere"], "chapter must be one of activations, "),
        (["--write-results", *CHEAP, "x"], "nothing can follow chapter and experiment, got 'x'"),
        (["doctor"], "doctor needs the file of a log"),
        (["--verdicts", "activations", "x"], "experiment of activations must be one of "),
        (["--verdicts", *CHEAP, "x"], "nothing can follow chapter and experiment, got 'x'"),
        (["--verdicts", *CHEAP, "--seeds", "0"], "--seeds must be between 1 and 1000, got 0"),
        (["--verdicts", *CHEAP, "--seeds", "--write"], "--seeds needs a value"),
        (["--verdicts", "--write", "--write"], "option must be one of --seeds, got '--write'"),
    ],
)
def test_bad_names_and_values_are_answered_with_the_choices(capsys, arguments, sentence):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert err.startswith(sentence) and err.count("\n") == 1 and not out


OVERFIT = "epoch,acc,val_acc\n1,.5,.5\n2,.9,.6\n3,1,.6\n4,1,.6\n"


def test_the_doctor_reads_a_log(capsys, tmp_path):
    (tmp_path / "run.csv").write_text(OVERFIT)
    assert main(["doctor", str(tmp_path / "run.csv"), "--classes", "10"]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [key for key, _ in lines] == [*("read", "diagnosis", "seen", "numbers", "try")] + 3 * [
        "lacking"
    ]
    assert lines[1][1] == "Overfitting" and lines[3][1] == "train 1, val 0.6"


@pytest.mark.parametrize(
    "content, words, status, sentence",
    [
        (OVERFIT, ["--classes", "1"], 2, "--classes must be between 2 and "),
        (OVERFIT, ["--class", "2"], 2, "option must be one of --classes, got '--class'"),
        ("epoch,lr\n1,1\n2,1\n", [], 2, "No column is a loss or an accuracy"),
        ("1" * 2_000_000, [], 2, "The file has 1.0 MB; at most 1 MB can be read."),
        (None, [], 1, "[Errno 2] No such file"),
    ],
)
def test_what_the_doctor_cannot_read_is_said_in_one_line(
    capsys, tmp_path, content, words, status, sentence
):
    if content is not None:
        (tmp_path / "run.csv").write_text(content)
    assert main(["doctor", str(tmp_path / "run.csv"), *words]) == status
    out, err = capsys.readouterr()
    assert err.startswith(sentence) and err.count("\n") == 1 and not out


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_missing_or_damaged_data_are_named(capsys, monkeypatch, tmp_path, content):
    monkeypatch.setattr(datasets, "DIGITS", tmp_path / "digits.npz")
    datasets.load_digits.cache_clear()
    datasets.standardized_digits.cache_clear()
    if content is not None:
        (tmp_path / "digits.npz").write_bytes(content)
    assert main(["babysitting", "overfit-tiny"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("the data file digits.npz is ") and err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(results, "FOLDER", tmp_path / "file" / "results")
    monkeypatch.setattr(results, "in_processes", lambda work, jobs: [(jobs[0], b"")])
    assert main(["--write-results", "babysitting", "overfit-tiny"]) == 1
    assert "Not a directory" in capsys.readouterr().err.splitlines()[-1]


def run_in_shell(arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_closed_pipe_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    ended = run_in_shell(["activations"], stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is simulated by /dev/full")
def test_a_full_disk_is_said_in_one_line():
    with open("/dev/full", "w") as full:
        ended = run_in_shell(["activations"], stdout=full)
    assert ended.returncode == 1 and ended.stderr == "[Errno 28] No space left on device\n"


@pytest.fixture
def verdicts(monkeypatch, tmp_path):
    """Pretend that an A1 holds on even seeds, and an A2 is measured on seed 101 only."""

    def outcomes(experiment, config):
        return {
            "A1": "fails" if config.seed % 2 else "holds",
            **({"A2": "unclear"} if config.seed == 101 else {}),
        }

    monkeypatch.setattr(
        terminal, "in_processes", lambda work, jobs: [(job, outcomes(*job)) for job in jobs]
    )
    monkeypatch.setattr(terminal, "VERDICTS", tmp_path / "verdicts.csv")
    return tmp_path / "verdicts.csv"


def test_verdicts_count_what_other_seeds_say(capsys, verdicts):
    assert main(["--verdicts", *CHEAP, "--seeds", "5"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == [*COLUMNS]
    presets = load(*CHEAP).PRESETS
    assert len(lines) == 1 + 2 * len(presets)
    slug, preset = "/".join(CHEAP), next(iter(presets))
    assert lines[1] == [slug, preset, "A1", "holds", "2", "3", "0", "5", "0.40", "!"]
    assert lines[2] == [slug, preset, "A2", "not", "measured", "0", "0", "1", "5", "0.80"]
    assert not verdicts.exists()


@pytest.mark.parametrize(
    "said, agree, typical",
    [("holds", "0.80", True), ("fails", "0.75", False), ("unclear", "0.10", True)],
)
def test_a_row_is_typical_if_most_seeds_agree_or_nothing_is_claimed(said, agree, typical):
    row = ("a/b", "lecture", "A1", said, "0", "0", "0", "20", agree)
    assert is_typical(row) == typical


def test_stored_verdicts_are_replaced_experiment_by_experiment(verdicts):
    verdicts.write_text(",".join(COLUMNS) + "\ngone/gone,x,A1,holds,1,0,0,1,1.00\n")
    for name in ("zero-centering", "saturation", "saturation"):
        assert main(["--verdicts", "activations", name, "--write", "--seeds", "1"]) == 0
    with open(verdicts, newline="") as file:
        rows = list(csv.DictReader(file))
    cases = [(row["experiment"], row["preset"], row["claim"]) for row in rows]
    slugs = [slug for slug, _, _ in cases]
    assert slugs == sorted(slugs) and set(slugs) == {
        "activations/saturation",
        "activations/zero-centering",
    }
    assert len(cases) == len(set(cases)) and set(rows[0]) == set(COLUMNS)


def test_verdicts_are_computed_in_other_processes(capsys, monkeypatch):
    preset, config = next(iter(load(*CHEAP).PRESETS.items()))
    monkeypatch.setattr(type(load(*CHEAP)), "PRESETS", {preset: config})
    # A page that was driven in this process leaves a main module that no other process can import.
    monkeypatch.setitem(sys.modules, "__main__", terminal)
    assert main(["--verdicts", *CHEAP, "--seeds", "1"]) == 0
    out, err = capsys.readouterr()
    assert "2 of 2: activations/zero-centering" in err
    assert out.splitlines()[1].split()[:4] == ["activations/zero-centering", preset, "A4", "holds"]
