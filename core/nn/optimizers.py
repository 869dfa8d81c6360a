"""Update rules: what a step makes of a gradient."""

import numpy as np

Array = np.ndarray


def momentum_step(
    parameter: Array,
    gradient: Array,
    velocity: Array,
    learning_rate: Array | float,
    momentum: Array | float,
) -> Array:
    """Move a parameter and its velocity one step, in place; return the update taken off.

    v <- momentum v + gradient; w <- w - learning_rate v, as PyTorch's SGD does. The rates are
    numbers or (..., 1, 1).
    """
    velocity *= momentum
    velocity += gradient
    update = learning_rate * velocity
    parameter -= update
    return update
