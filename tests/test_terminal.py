"""The terminal: `python -m core`."""

import pytest

from core.__main__ import main
from core.experiments import everything


def test_without_arguments_every_experiment_is_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(experiment in listed for _, experiment in everything())


def test_findings_are_printed_as_a_table(capsys):
    assert main(["activations", "zero-centering", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["A4", "holds", "agreement", "1"]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["nowhere"], "chapter must be one of activations, "),
        (["activations", "nothing"], "experiment of activations must be one of "),
        (["hpo", "x"], "experiment of hpo must be one of none yet"),
        (["activations", "zero-centering", "--sed", "3"], "knob must be one of --inputs, "),
        (["activations", "zero-centering", "--seed"], "--seed needs a value"),
        (["activations", "zero-centering", "--mean", "7"], "--mean must be between 0 and 2, got 7"),
        (["activations", "zero-centering", "--inputs", "x"], "--inputs must be one of positive, "),
    ],
)
def test_bad_names_and_values_are_answered_with_the_choices(capsys, arguments, sentence):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(sentence)
