"""Rows of the layers of minigrad.nn.activation; see layers.py."""
from tests.nn.row import Row


def exact_hardsigmoid(torch):
    """PyTorch's own has 1/6 in single precision in its gradient, whatever the input's."""

    class Hardsigmoid(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.relu6(x + 3) / 6

    return Hardsigmoid()


ROWS: list[Row] = [
    Row("Tanh"), Row("Sigmoid"), Row("LogSigmoid"), Row("Softplus"), Row("Softplus", {"beta": 2.5, "threshold": 3.0}),
    Row("ReLU"), Row("LeakyReLU"), Row("LeakyReLU", {"negative_slope": 0.3}), Row("ELU"), Row("ELU", {"alpha": 0.4}),
    Row("GELU"), Row("GELU", {"approximate": "tanh"}), Row("SiLU"),
    Row("Softmax", {"dim": 0}), Row("Softmax", {"dim": -1}), Row("LogSoftmax", {"dim": 1}),
    Row("ReLU6"), Row("SELU"),
    Row("CELU"), Row("CELU", {"alpha": 2.0}), Row("CELU", {"alpha": -0.5}),
    Row("Mish"), Row("Softsign"), Row("Tanhshrink"),
    Row("Softshrink"), Row("Softshrink", {"lambd": 1.5}), Row("Softshrink", {"lambd": 0}),
    Row("Hardshrink"), Row("Hardshrink", {"lambd": 1.5}),
    Row("Threshold", {"threshold": 0.5, "value": 20}), Row("Threshold", {"threshold": -1, "value": 0}),
    Row("Hardsigmoid", other=exact_hardsigmoid), Row("Hardswish"),
    Row("Hardtanh"), Row("Hardtanh", {"min_val": -2, "max_val": 0.5}),
    Row("RReLU", modes=("eval",)), Row("RReLU", {"lower": 0.1, "upper": 0.7}, modes=("eval",)),
    Row("RReLU", {"lower": 0.3, "upper": 0.3}),
    Row("PReLU", shapes=((3, 4), (5,), (), (0, 3))), Row("PReLU", {"init": 0.1, "num_parameters": 1}),
    Row("PReLU", {"num_parameters": 3}, ((2, 3), (2, 3, 4), (1, 3, 2, 2))),
    Row("Softmin", {"dim": 0}), Row("Softmin", {"dim": -1}), Row("Softmax2d", shapes=((2, 3, 4, 5), (3, 2, 4))),
    Row("GLU"), Row("GLU", {"dim": 0}, ((4, 3), (2, 5, 1))), Row("GLU", {"dim": -2}, ((4, 3), (2, 6, 5))),
]  # fmt: skip
