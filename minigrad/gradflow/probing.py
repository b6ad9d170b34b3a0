"""probe: the gradient flow of one batch, and the model as it was."""

from __future__ import annotations

from typing import Any, Callable

from ..gradmode import enable_grad, no_grad
from ..nn import Module
from .flow import Flow
from .watch import watch


def probe(
    model: Module, x: Any, y: Any, loss_fn: Callable[[Any, Any], Any], *, snr: bool = False, jacobian: bool = False
) -> Flow:
    """The record of one forward and backward pass, of loss_fn(model(x), y); afterwards the model is as it was.

    snr, jacobian: as for watch. Gradients that parameters held, and buffers such as running statistics, are put back,
    also after an exception.
    Raises TypeError for what is not a Module, ValueError if no gradient of the loss reaches the model.
    """
    with watch(model, snr=snr, jacobian=jacobian) as flow:
        gradients = [(p, p.grad) for p in model.parameters()]
        buffers = [(b, b.detach().clone()) for b in model.buffers()]
        try:
            with enable_grad():
                for p, _ in gradients:
                    p.grad = None
                loss = loss_fn(model(x), y)
                if getattr(loss, "requires_grad", False):
                    loss.backward()
        finally:
            for p, grad in gradients:
                p.grad = grad
            with no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)
    if not len(flow):
        raise ValueError(
            "probe: no gradient reached the model: the loss must depend on what model(x) returns, and some parameter "
            "require gradients"
        )
    return flow
