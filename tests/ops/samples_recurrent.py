"""Samples of the recurrent ops; see samples.py. Their oracles, PyTorch's layers, are in tests/nn/test_recurrent.py."""
import numpy as np

from minigrad.ops.recurrent import gru_op, lstm_op, rnn_op

from .sample import Sample, fixed, real

PAD = fixed(np.arange(3)[:, None, None] >= np.array([3, 1])[:, None])
X, H = real(3, 2, 2), real(2, 2)


def weights(gates):
    return real(2 * gates, 2), real(2 * gates, 2), real(2 * gates), real(2 * gates)


def run(op, *last, **options):
    """The arguments that are not tensors come last: None for what is left out."""
    return lambda m, *xs: op(*xs, *last, **options)


SAMPLES = {
    "rnn": [
        Sample(run(rnn_op, None, reverse=False, nonlinearity="tanh"), X, H, *weights(1), torch=None),
        Sample(run(rnn_op, reverse=True, nonlinearity="tanh"), X.stepped, H, *weights(1), PAD, torch=None),
    ],
    "lstm": [
        Sample(run(lstm_op, None, None, reverse=False), X, H, H, *weights(4), torch=None),
        Sample(run(lstm_op, reverse=True), X.reversed, real(2, 1), H, real(8, 2), real(8, 1), real(8), real(8), real(1, 2),
               PAD, torch=None),
    ],
    "gru": [
        Sample(run(gru_op, None, reverse=True), X.stepped, H, *weights(3), torch=None),
        Sample(run(gru_op, reverse=False), X, H, *weights(3), PAD, torch=None),
    ],
}  # fmt: skip
