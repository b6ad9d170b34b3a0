"""What helps against each fault, in words, with who found it."""

from __future__ import annotations

OF_FORGETTING = (
    "Look at the data first (are the examples different, and of size about 1?), standardise them, and start biases at "
    "0; in a deep stack a normalisation layer, residual connections or larger weights keep examples apart."
)
_BY_ACTIVATION = "nn.init.kaiming_normal_ for ReLU, xavier_normal_ for tanh"
_PAST_DEPTH = "a normalisation layer (nn.BatchNorm1d, nn.LayerNorm), or residual connections (nn.Residual)"


def of_vanishing(activation: str | None) -> str:
    if activation == "Sigmoid":
        return (
            "Take an activation with slopes near 1: nn.ReLU with nn.init.kaiming_normal_ (He et al. 2015) or nn.Tanh "
            f"with xavier_normal_ (Glorot and Bengio 2010); or add {_PAST_DEPTH}."
        )
    return f"Start from larger weights ({_BY_ACTIVATION}), or add {_PAST_DEPTH}."


def of_depth(direction: str, cause: str, activation: str | None) -> str:
    """Against a gradient that vanishes or explodes through depth, or saturated layers."""
    if direction == "saturated":
        return (
            "Start from smaller weights, standardise the inputs, or put a normalisation layer before the activation; "
            "a lower learning rate if it only came about in training."
        )
    if direction == "exploding" and cause == "normalisation":
        return (
            "Add residual connections (nn.Residual) or take fewer layers: batch norm by itself multiplies the gradient "
            "by about 1.2 a layer at the start (Yang et al. 2019), whatever the weights."
        )
    if direction == "exploding":
        return (
            f"Start from smaller weights ({_BY_ACTIVATION}), clip the gradient's "
            f"norm (nn.utils.clip_grad_norm_), or add {_PAST_DEPTH}."
        )
    return of_vanishing(activation if cause != "weights" else None)


def of_dead(activation: str | None) -> str:
    what = "nn.LeakyReLU, nn.ELU or nn.GELU, which have a slope below 0 too" if activation == "ReLU" else "another one"
    return (
        "Lower the learning rate (a large step is what kills units), start biases at 0 and weights as He et al. 2015, "
        f"or take {what}."
    )


def of_time(direction: str, kind: str) -> str:
    if direction == "exploding":
        return "Clip the gradient's norm (Pascanu et al. 2013), or start from orthogonal recurrent weights."
    if kind.startswith("LSTM"):
        return "Start the forget gate open (nn.LSTM(..., forget_bias=2), Jozefowicz et al. 2015), or shorten sequences."
    if kind.startswith("GRU"):
        return "Start from orthogonal recurrent weights, or shorten the sequences."
    return (
        'Take nn.LSTM or nn.GRU, whose states are carried on by gates; orthogonal recurrent weights '
        '(recurrent_init="orthogonal") slow it down.'
    )
