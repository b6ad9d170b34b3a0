"""Averages of weights along the training, by PyTorch's names: stochastic weight averaging, and moving averages.

    averaged = AveragedModel(model)         # or multi_avg_fn=get_ema_multi_avg_fn(0.999)
    for epoch in range(100):
        ...                                 # train the model
        averaged.update_parameters(model)
    update_bn(loader, averaged)
"""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import Any, Callable, Iterable, Sequence

from ..backend import backend_of, dtypes
from ..gradmode import no_grad
from ..kernels import load
from ..nn.module import Module
from ..tensor import Tensor
from . import checks
from .optimizer import Optimizer
from .scheduler import LRScheduler, checked_optimizer, for_each_group, group_values

__all__ = [
    "AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]

# ------------------------------------------------------------------------------------------------------ averaging


def get_swa_avg_fn() -> Average:
    """f(average, p, n) = average + (p - average) / (n + 1): after n others, all alike. Izmailov et al. 2018."""
    return _swa


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """f(average, p, n) = decay * average + (1 - decay) * p. Raises ValueError for a decay outside [0, 1]."""
    return partial(_ema, _checked_decay(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """f(averages, ps, n), which does what get_swa_avg_fn()'s does to each of a list of averages, in place."""
    return partial(_each, _swa)


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """f(averages, ps, n), which does what get_ema_avg_fn()'s does to each of a list of averages, in place."""
    return partial(_each, get_ema_avg_fn(decay))


def _checked_decay(decay: Any) -> float:
    checks.fraction("an exponential moving average", decay=decay)
    return float(decay)


# Not closures: an AveragedModel can be pickled with these.


def _swa(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
    return _moved(averaged, current, 1 / (int(num_averaged) + 1))


def _ema(decay: float, averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
    return _moved(averaged, current, 1 - decay)


def _each(average: Average, averages: Sequence[Tensor], currents: Sequence[Tensor], num_averaged: Any) -> None:
    with no_grad():
        for averaged, new in [(a, average(a, p, num_averaged)) for a, p in zip(averages, currents, strict=True)]:
            averaged.copy_(new)


def _moved(averaged: Tensor, current: Tensor, share: float) -> Tensor:
    """averaged + share * (current - averaged), as a new tensor: for halves float32, for integers float64."""
    dtype = {dtypes.float16: dtypes.float32, dtypes.float32: dtypes.float32}.get(averaged.dtype, dtypes.float64)
    backend = backend_of(averaged.array)
    with backend.on(averaged.device):
        flat = averaged.array.reshape(-1).astype(dtype)
        load("average")(current.array.reshape(-1).astype(dtype, copy=False), flat, c=share)
    new: Tensor = Tensor.of(flat.reshape(averaged.shape))
    return new


class AveragedModel(Module):
    """A copy of a model, called `module`, whose parameters are the average of those that update_parameters() was given.

    The first time they are copied; then avg_fn(average, p, n_averaged) returns the new average of each, or
    multi_avg_fn(averages, ps, n_averaged) changes those of one dtype and device in place. With neither, all count alike
    (stochastic weight averaging: Izmailov et al. 2018; Polyak and Juditsky 1992). Buffers are the model's own of the
    last time, or with use_buffers averaged, too; an integer's average is cut off. device: where to keep it all.

    The state_dict has "n_averaged" and "module." before each of the model's keys, as in PyTorch, and not the functions.
    A float16 average is computed in float32, but kept in float16: average a float32 model where that is too coarse.
    Raises ValueError for two functions.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(model, Module):
            raise TypeError(f"AveragedModel: model must be a Module, not a {type(model).__name__}")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: pass avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device=device)
        self.register_buffer("n_averaged", Tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters, as they are now, into the average.

        Raises ValueError, and changes nothing, for a model with other parameters or buffers.
        """
        learned = _pairs("parameters", self.module.parameters(), model.parameters())
        kept = _pairs("buffers", self.module.buffers(), model.buffers())
        averaged, copied = (learned + kept, []) if self.use_buffers else (learned, kept)
        with no_grad():
            if int(self.n_averaged) == 0:
                averaged, copied = [], averaged + copied
            if averaged and self.avg_fn is not None:
                copied = [(a, self.avg_fn(a, p, self.n_averaged)) for a, p in averaged] + copied
            elif averaged:
                average = self.multi_avg_fn or get_swa_multi_avg_fn()
                for averages, ps in _alike(averaged):
                    average(averages, ps, self.n_averaged)
            for place, value in copied:
                place.copy_(value)
            self.n_averaged += 1


Pairs = list[tuple[Tensor, Tensor]]


def _pairs(what: str, mine: Iterable[Tensor], theirs: Iterable[Tensor]) -> Pairs:
    """Each average, and what is to go into it, detached and on the same device."""
    averages, values = list(mine), list(theirs)
    shapes, others = [a.shape for a in averages], [p.shape for p in values]
    if shapes != others:
        raise ValueError(f"AveragedModel: the model's {what} have the shapes {others}, the average's {shapes}")
    return [(a.detach(), p.detach().to(device=a.device)) for a, p in zip(averages, values)]


def _alike(pairs: Pairs) -> list[tuple[list[Tensor], list[Tensor]]]:
    """The averages of each dtype and device, and the values for them."""
    groups: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for a, p in pairs:
        averages, values = groups.setdefault((a.dtype, a.device), ([], []))
        averages.append(a)
        values.append(p)
    return list(groups.values())


# ------------------------------------------------------------------------------------------- statistics of activations


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics anew, for a model whose weights are an average: one pass over the batches.

    It is for modules inside `model` that keep such, as batch normalization: those with reset_running_stats() and a
    momentum, which is None meanwhile, so that all batches count alike. A batch is a tensor, or a list or tuple that
    begins with one; it is moved to `device`, if that is given. Momenta and modes are put back, each module's own, also
    if something fails (PyTorch leaves the momenta, and puts all modules into the model's own mode).
    """
    momenta = {
        module: module.momentum
        for module in model.modules()
        if hasattr(module, "reset_running_stats") and hasattr(module, "momentum")
    }
    if not momenta:
        return
    modes = {module: module.training for module in model.modules()}
    try:
        model.train()
        for module in momenta:
            module.reset_running_stats()
            module.momentum = None
        with no_grad():
            for batch in loader:
                x = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(x if device is None else x.to(device=device))
    finally:
        for module, momentum in momenta.items():
            module.momentum = momentum
        for module, training in modes.items():
            module.training = training


# ----------------------------------------------------------------------------------------------------- learning rates


class SWALR(LRScheduler):
    """lr goes from where it is to swa_lr in anneal_epochs steps, and stays there; swa_lr may be one for each group.

    lr(t) = a * swa_lr + (1 - a) * lr(0), with a = t / anneal_epochs for the anneal_strategy "linear" and
    a = (1 - cos(pi * t / anneal_epochs)) / 2 for "cos"; it is computed from the rate before, so that schedulers act
    together. With 0 epochs lr is swa_lr at once. Izmailov et al. 2018 keep the rate constant while they average.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        checked_optimizer("SWALR", optimizer)
        self._swa_lrs = for_each_group("SWALR", optimizer, "swa_lr", swa_lr)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = checks.whole("SWALR", "anneal_epochs", anneal_epochs, 0)
        super().__init__(optimizer, last_epoch)
        del self._swa_lrs

    def _read_base_lrs(self) -> None:
        for group, swa_lr in zip(self.optimizer.param_groups, self._swa_lrs):
            group["swa_lr"] = swa_lr
        super()._read_base_lrs()

    def _rates(self) -> list[float]:
        step = self._step_count - 1
        before, now = (self._share(t) for t in ((step - 1, step) if self.anneal_epochs else (0, 1)))
        rates = []
        for lr, swa_lr in zip(self._current(), self._swa_rates()):
            start = swa_lr if before == 1 else (lr - before * swa_lr) / (1 - before)
            rates.append(swa_lr * now + start * (1 - now))
        return rates

    def _swa_rates(self) -> list[float]:
        for i, group in enumerate(self.optimizer.param_groups):
            if "swa_lr" not in group:
                raise KeyError(f"SWALR: param_groups[{i}] has no 'swa_lr'; make a new scheduler")
        return group_values(self.optimizer, "swa_lr")

    def _share(self, step: int) -> float:
        """How much of the rate is swa_lr after so many steps."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2
