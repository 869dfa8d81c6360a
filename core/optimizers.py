"""Update rules: what a step makes of a gradient."""

import numpy as np

Array = np.ndarray


def momentum_step(
    parameter: Array, gradient: Array, velocity: Array, learning_rate: Array, momentum: Array
) -> None:
    """Move a parameter and its velocity one step, in place, as PyTorch's SGD does.

    v <- momentum v + gradient; w <- w - learning_rate v. The rates are numbers or (..., 1, 1).
    """
    velocity *= momentum
    velocity += gradient
    parameter -= learning_rate * velocity
