"""Models with a known fault, and healthy ones: what a diagnosis is tried on.

All sizes and weights are drawn. The seeds come from the thresholds themselves, so that they cannot have been chosen to
suit seeds, nor stay when a threshold is changed.
"""
import zlib

import numpy as np

import minigrad
from minigrad import gradflow, nn

SEED = zlib.crc32(repr(gradflow.Thresholds()).encode())
CASES = 5


def rng_for(name, case):
    minigrad.manual_seed((SEED + 7919 * case + zlib.crc32(name.encode())) % 2**31)
    return np.random.default_rng([SEED, case, zlib.crc32(name.encode())])


def labelled(rng, *shape):
    return minigrad.tensor(rng.standard_normal(shape).astype("float32")), minigrad.tensor(rng.integers(0, 10, shape[0]))


def probed(model, x, y):
    return gradflow.probe(model, x, y, nn.CrossEntropyLoss())


def mlp(rng, activation, init, depth=None):
    depth = int(rng.integers(6, 16)) if depth is None else depth
    width = int(rng.integers(32, 129))
    return gradflow.deep_stack(depth, width, activation, init, inputs=40), labelled(rng, 64, 40), depth


def change(tensor, array):
    with minigrad.no_grad():
        tensor.copy_(minigrad.tensor(np.asarray(array, dtype="float32")))


# ------------------------------------------------------------------- each fault: (flow, directions, label or None)


def vanishing(rng):
    activation, init = [("sigmoid", "xavier_normal"), ("sigmoid", "default"), ("tanh", "normal:0.03"),
                        ("relu", "normal:0.05"), ("softplus", "normal:0.02")][rng.integers(5)]  # fmt: skip
    model, (x, y), _ = mlp(rng, activation, init, depth=int(rng.integers(10, 25)))
    return probed(model, x, y), {"vanishing"}, None


def exploding(rng):
    activation, init = [("tanh", "normal:0.6"), ("relu", "normal:0.6"), ("leaky_relu", "normal:0.5"),
                        ("elu", "normal:0.6")][rng.integers(4)]  # fmt: skip
    model, (x, y), _ = mlp(rng, activation, init, depth=int(rng.integers(10, 20)))
    return probed(model, x, y), {"exploding"}, None


def dead_relu(rng):
    model, (x, y), depth = mlp(rng, "relu", "kaiming_normal")
    at = int(rng.integers(0, depth))
    share = [1.0, 1.0, 0.97][rng.integers(3)]
    units = model[2 * at].out_features
    change(model[2 * at].bias, np.where(rng.permutation(units) < share * units, -1e4, 0.0))
    return probed(model, x, y), {"dead"}, str(at + 1)


def saturated(rng):
    model, (x, y), depth = mlp(rng, "tanh", "xavier_normal", depth=int(rng.integers(4, 10)))
    if rng.integers(2):
        return probed(model, x * float(rng.uniform(200, 2000)), y), {"saturated"}, "1"
    at = int(rng.integers(0, depth - 1))
    change(model[2 * at].bias, rng.choice([-1.0, 1.0], model[2 * at].out_features) * rng.uniform(4, 7))
    return probed(model, x, y), {"saturated"}, str(at + 1)


def forgotten_input(rng):
    model, (x, y), depth = mlp(rng, ["relu", "tanh"][rng.integers(2)], "kaiming_normal", depth=int(rng.integers(3, 8)))
    change(model[0].bias, rng.standard_normal(model[0].out_features))
    if rng.integers(2):
        x = x * 0 + x[0]  # one example, again and again
    else:
        x = x * float(10 ** -rng.uniform(5, 7))
    return probed(model, x, y), {"forgotten input"}, "1"


def tampered(rng):
    activation, init = [("relu", "kaiming_normal"), ("tanh", "xavier_normal"), ("gelu", "kaiming_normal")][rng.integers(3)]
    model, (x, y), depth = mlp(rng, activation, init, depth=int(rng.integers(5, 9)))
    at = int(rng.integers(1, depth))
    factor = float([1e-3, 1e-4, 1e3][rng.integers(3)])
    change(model[2 * at].weight, model[2 * at].weight.detach().numpy() * factor)
    return probed(model, x, y), {"vanishing" if factor < 1 else "exploding"}, str(at + 1)


class Conv(nn.Module):
    """Convolutions of equal size, a pool, a linear layer on top."""

    def __init__(self, depth, channels, bend, scale):
        super().__init__()
        layers = []
        for i in range(depth):
            conv = nn.Conv2d(1 if i == 0 else channels, channels, 3, padding=1)
            fan_in = conv.weight.numel() / channels
            nn.init.normal_(conv.weight, 0.0, scale / fan_in**0.5)
            nn.init.zeros_(conv.bias)
            layers += [conv, bend()]
        self.body = nn.Sequential(*layers)
        self.pool, self.head = nn.AvgPool2d(2), nn.Linear(channels * 16, 10)

    def forward(self, x):
        return self.head(self.pool(self.body(x)).flatten(1))


def convolutional(rng):
    bend, scale, direction = [(nn.Sigmoid, 1.0, "vanishing"), (nn.Tanh, 0.4, "vanishing"), (nn.ReLU, 4.0, "exploding"),
                              (nn.ReLU, 0.4, "vanishing")][rng.integers(4)]  # fmt: skip
    model = Conv(int(rng.integers(8, 13)), int(rng.integers(4, 9)), bend, scale)
    return probed(model, *labelled(rng, 16, 1, 8, 8)), {direction}, None


class Reader(nn.Module):
    """A recurrent layer, and a linear one that reads its last state, or all of them."""

    def __init__(self, kind, all_states=False, **options):
        super().__init__()
        self.rnn, self.head, self.all_states = kind(6, 24, batch_first=True, **options), nn.Linear(24, 10), all_states

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.head(states.mean(1) if self.all_states else states[:, -1])


def through_time(rng):
    kind, factor, direction = [(nn.RNN, 1.0, "vanishing"), (nn.RNN, 5.0, "exploding"), (nn.LSTM, 1.0, "vanishing"),
                               (nn.GRU, 1.0, "vanishing")][rng.integers(4)]  # fmt: skip
    model = Reader(kind)
    change(model.rnn.weight_hh_l0, model.rnn.weight_hh_l0.detach().numpy() * factor)
    flow = probed(model, *labelled(rng, 16, int(rng.integers(25, 50)), 6))
    assert "through time in rnn" in flow.diagnosis().sentence
    return flow, {direction}, "1"


FAULTS = [vanishing, exploding, dead_relu, saturated, forgotten_input, tampered, convolutional, through_time]


# ------------------------------------------------------------------------------------------- healthy, and borderline


def stack_of(activation, init, depth):
    return lambda rng: (gradflow.deep_stack(depth, 64, activation, init, inputs=40), labelled(rng, 64, 40))


def normed(norm, depth, bend=nn.Sigmoid):
    def make(rng):
        layers = [m for i in range(depth) for m in (nn.Linear(40 if i == 0 else 64, 64), norm(64), bend())]
        return nn.Sequential(*layers, nn.Linear(64, 10)), labelled(rng, 64, 40)

    return make


class Block(nn.Module):
    def __init__(self, width, bend):
        super().__init__()
        self.linear, self.bend = nn.Linear(width, width), bend()

    def forward(self, x):
        return x + self.bend(self.linear(x))


def residual(depth, bend):
    def make(rng):
        body = [Block(64, bend) for _ in range(depth)]
        return nn.Sequential(nn.Linear(40, 64), bend(), *body, nn.Linear(64, 10)), labelled(rng, 64, 40)

    return make


def transformer(rng):
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    body = nn.TransformerEncoder(layer, 4)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.body, self.head = nn.Linear(6, 32), body, nn.Linear(32, 10)

        def forward(self, x):
            return self.head(self.body(self.read(x)).mean(1))

    return Model(), labelled(rng, 16, 12, 6)


def recurrent(kind, steps, **options):
    return lambda rng: (Reader(kind, **options), labelled(rng, 16, steps, 6))


def convolution(rng):
    return Conv(6, 8, nn.ReLU, 2**0.5), labelled(rng, 16, 1, 8, 8)


def lenet(rng):
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10),
    )
    return model, labelled(rng, 32, 1, 8, 8)


def frozen_below(rng):
    model, batch = stack_of("relu", "kaiming_normal", 6)(rng)
    for module in list(model)[:4]:
        module.requires_grad_(False)
    return model, batch


HEALTHY = {
    "relu 5": stack_of("relu", "kaiming_normal", 5), "relu 20": stack_of("relu", "kaiming_normal", 20),
    "relu 30": stack_of("relu", "kaiming_uniform", 30), "tanh 5": stack_of("tanh", "xavier_normal", 5),
    "tanh 20": stack_of("tanh", "xavier_normal", 20), "leaky relu": stack_of("leaky_relu", "kaiming_normal", 15),
    "gelu": stack_of("gelu", "kaiming_normal", 8), "silu": stack_of("silu", "kaiming_normal", 4),
    "elu": stack_of("elu", "kaiming_normal", 8), "two sigmoids": stack_of("sigmoid", "xavier_normal", 2),
    "tanh at the edge": stack_of("tanh", "normal:0.14", 10), "default relu": stack_of("relu", "default", 3),
    "batch norm, sigmoid": normed(nn.BatchNorm1d, 10), "layer norm, tanh": normed(nn.LayerNorm, 12, nn.Tanh),
    "batch norm, relu": normed(nn.BatchNorm1d, 10, nn.ReLU), "residual relu": residual(20, nn.ReLU),
    "residual tanh": residual(20, nn.Tanh), "residual sigmoid": residual(10, nn.Sigmoid), "transformer": transformer,
    "lstm, open": recurrent(nn.LSTM, 30, forget_bias=3.0), "rnn, short": recurrent(nn.RNN, 4),
    "gru, all states": recurrent(nn.GRU, 30, all_states=True), "lstm, all states": recurrent(nn.LSTM, 40, all_states=True),
    "orthogonal rnn": recurrent(nn.RNN, 12, recurrent_init="orthogonal"), "convolution": convolution, "lenet": lenet,
    "frozen below": frozen_below,
}  # fmt: skip
