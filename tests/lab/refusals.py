"""How a bad file is refused."""

from collections.abc import Callable

import pytest

from core.lab.upload import UploadError


def assert_refused(read: Callable[[str, bytes], object], content: bytes, told: str) -> None:
    """Check that a file is refused in one printable sentence which says what was told."""
    with pytest.raises(UploadError) as error:
        read("my.csv", content)
    sentence = str(error.value)
    assert told in sentence
    assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) < 200
    assert sentence.isprintable()
