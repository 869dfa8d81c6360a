"""The words of experiments: shared ones, their own, and broken files."""

import pytest

from core.lab.finding import Finding, Outcome
from core.lab.words import WordsError, heading, is_right, read_toml, sentence, words_of

TEXT = {
    "knobs": {"depth": {"label": "Layers"}, "activation": {"options": {"tanh": "Tangens"}}},
    "heading": {
        "holds": "{depth:layer|layers} of {activation}",
        "fails": "no",
        "unclear": "perhaps",
        "A2": {"holds": "two"},
    },
    "findings": {
        "A1": {"holds": "yes", "fails": "no", "fails_cap": "the cap", "unclear": "perhaps {x}"},
    },
}


def finding(outcome=Outcome.HOLDS, claim="A1", **parts):
    return Finding(claim=claim, outcome=outcome, **{"values": {}, **parts})


def test_sentences_name_choices_and_the_reason_that_applied():
    config = {"depth": 1, "activation": "tanh"}
    assert heading(TEXT, [finding()], config) == "1 layer of Tangens"
    assert heading(TEXT, [finding(claim="A2")], config) == "two"
    assert sentence(TEXT, finding(Outcome.FAILS, because="cap"), config) == "the cap"
    assert sentence(TEXT, finding(Outcome.FAILS, because="other"), config) == "no"
    unclear = finding(Outcome.UNCLEAR, values={"x": "leaky_relu"})
    assert sentence(TEXT, unclear, config) == "perhaps Leaky ReLU"


def test_an_option_is_right_by_what_was_measured():
    assert is_right({"right_if": "A1 fails"}, [finding(Outcome.FAILS)])
    assert not is_right({"right_if": "A1 fails"}, [finding()])
    assert not is_right({}, [finding()])


@pytest.mark.parametrize("content", ["title = ", "\x00", 'title = "x"', None])
def test_a_broken_or_missing_file_is_named(tmp_path, content):
    folder = tmp_path / "some_experiment"
    folder.mkdir()
    if content is not None:
        (folder / "en.toml").write_text(content)
    with pytest.raises(WordsError, match=r"text file some_experiment/en\.toml"):
        words_of(folder, ("seed",))


def test_text_that_is_no_utf8_is_broken_too(tmp_path):
    (tmp_path / "en.toml").write_bytes(b"title = '\xff\xfe'")
    with pytest.raises(WordsError, match="is broken"):
        read_toml(tmp_path / "en.toml")
