"""Rows of the layers of minigrad.nn.blocks, each with its paper's formula in PyTorch's terms; see layers.py."""
from minigrad import nn
from tests.nn.row import Row


def residual(make_body, make_projection=None):
    def made(torch):
        class Residual(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.body = make_body(torch.nn)
                self.projection = make_projection and make_projection(torch.nn)

            def forward(self, x):
                return self.body(x) + (x if self.projection is None else self.projection(x))

        return Residual()

    options = {"body": make_body(nn)}
    return Row("Residual", options if make_projection is None else {**options, "projection": make_projection(nn)},
               other=made)


def highway(make_activation=None, **options):
    """Srivastava, Greff and Schmidhuber 2015, eq. 3: y = H(x) T(x) + x (1 - T(x)), T(x) = sigmoid(W_T x + b_T)."""
    def made(torch):
        class Highway(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden, self.gate = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

            def forward(self, x):
                transform = torch.sigmoid(x @ self.gate.weight.T + self.gate.bias)
                z = x @ self.hidden.weight.T + self.hidden.bias
                h = torch.clamp(z, min=0) if make_activation is None else make_activation(torch.nn)(z)
                return h * transform + x * (1 - transform)

        return Highway()

    options = {"features": 4, **options}
    return Row("Highway", options if make_activation is None else {**options, "activation": make_activation(nn)},
               other=made)


ROWS: list[Row] = [
    residual(lambda n: n.Linear(4, 4)),
    residual(lambda n: n.Sequential(n.Linear(4, 3), n.Tanh(), n.Linear(3, 4))),
    residual(lambda n: n.Linear(4, 5), lambda n: n.Linear(4, 5, bias=False)),
    highway(), highway(lambda n: n.Tanh()), highway(gate_bias=-1.0),
]  # fmt: skip
