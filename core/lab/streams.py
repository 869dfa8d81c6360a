"""Named random streams: every kind of draw of an experiment has a stream of its own."""

from zlib import crc32

import numpy as np


def streams(seed: int, *names: str) -> list[np.random.Generator]:
    """Return one generator per name, independent of each other and of the order of the names.

    The same seed and name always give the same draws, so a stream that is added later leaves the
    others as they are: `data, weights = streams(config.seed, "data", "weights")`
    """
    return [
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(crc32(name.encode()),)))
        for name in names
    ]
