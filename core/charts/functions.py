"""What activation functions are called on a chart, in the order that gives them their colors."""

NAMES = {
    **{"sigmoid": "Sigmoid", "tanh": "tanh", "relu": "ReLU", "leaky_relu": "Leaky ReLU"},
    **{"elu": "ELU", "prelu": "PReLU", "maxout": "Maxout"},
    **{"selu": "SELU", "gelu": "GELU", "silu": "SiLU", "softplus": "Softplus", "linear": "Linear"},
}
