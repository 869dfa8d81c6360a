"""Fresh seeds for claims: none of them ships, and no bar was set by looking at one."""

import pytest

FRESH = range(201, 206)
FIRST, *OTHERS = FRESH

each_seed = pytest.mark.parametrize("seed", FRESH)


def first_of(first: int, *others: int) -> pytest.MarkDecorator:
    """Return what runs a costly test on the first seed, and on the others in the full tests."""
    return pytest.mark.parametrize(
        "seed", [first, *(pytest.param(seed, marks=pytest.mark.full) for seed in others)]
    )


first_seed = first_of(*FRESH)
