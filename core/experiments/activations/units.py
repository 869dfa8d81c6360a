"""What the experiments on dead ReLUs and on the ReLU family do to units, and ask of them."""

import numpy as np

from core.nn.dataset import Dataset
from core.nn.layers import linear_forward
from core.nn.network import Network
from core.nn.training import Hyper, descend, loss_and_gradients


def where_on(network: Network, x: np.ndarray) -> np.ndarray:
    """Return (runs, samples, units) True where a unit of the first layer is on."""
    first = network.layers[0]
    return linear_forward(x.astype(network.dtype), first["weight"], first["bias"])[0] > 0


def oversized_step(network: Network, data: Dataset, rate: float | np.ndarray) -> None:
    """Take one step of plain gradient descent on all data; rate: of all runs, or (runs,)."""
    _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
    still = [{name: np.zeros_like(p) for name, p in layer.items()} for layer in network.layers]
    descend(network, gradients, still, Hyper(learning_rate=rate), 0)
