"""One weight, fed gradients by hand."""

import minigrad as mg


def start(value=1.0):
    return mg.tensor([value], dtype=mg.float64, requires_grad=True)


def after(optimizer, p, *gradients):
    """Where steps by these gradients lead, one after the other."""
    path = []
    for gradient in gradients:
        p.grad = mg.tensor([gradient], dtype=mg.float64)
        optimizer.step()
        path.append(p.item())
    return path
