"""Update rules: what a step makes of a gradient."""

import numpy as np

Array = np.ndarray


def momentum_step(
    parameter: Array,
    gradient: Array,
    velocity: Array,
    learning_rate: Array | float,
    momentum: Array | float,
) -> None:
    """Move a parameter and its velocity one step, in place.

    v <- momentum v + gradient; w <- w - learning_rate v, as PyTorch's SGD does. The rates are
    numbers or (..., 1, 1).
    """
    velocity *= momentum
    velocity += gradient
    parameter -= learning_rate * velocity
