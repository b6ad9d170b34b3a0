"""Schedules of the learning rate, by PyTorch's names and values.

    scheduler = StepLR(optimizer, step_size=30)
    for epoch in range(90):
        ...                     # optimizer.step(), once a batch
        scheduler.step()        # once an epoch; CyclicLR and OneCycleLR once a batch

In the formulas t is last_epoch, counted from 0, and lr(0) is set as soon as the scheduler is made. Most schedules
change the rate that they find by a factor, so that schedulers, and changes by hand, act together. step(epoch) sets
the closed form instead, from the group's "initial_lr". Raises TypeError or ValueError for a value that is wrong, and
changes nothing then.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Callable, Iterable, Sequence

from . import checks
from .cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from .optimizer import Optimizer
from .scheduler import (
    LRScheduler, all_or_nothing, attributes_of, checked_optimizer, for_each_group, functions_for_each_group,
    warn_of_epoch,
)  # fmt: skip

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip

Rule = Callable[[int], float]

# ---------------------------------------------------------------------------------------------- functions of the epoch


class _ByFunctions(LRScheduler):
    """What LambdaLR and MultiplicativeLR share: a function for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Rule | Sequence[Rule], last_epoch: int = -1) -> None:
        self.lr_lambdas = functions_for_each_group(type(self).__name__, optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def _saved(self, key: str, value: Any) -> Any:
        return [attributes_of(function) for function in value] if key == "lr_lambdas" else value

    def _load(self, key: str, value: Any) -> None:
        if key != "lr_lambdas":
            return super()._load(key, value)
        for function, attributes in zip(self.lr_lambdas, value):
            if attributes is not None:
                function.__dict__.update(attributes)


class LambdaLR(_ByFunctions):
    """lr(t) = initial lr * f(t), with one function f for all groups, or a list with one for each."""

    def _rates(self) -> list[float]:
        return [lr * function(self.last_epoch) for lr, function in zip(self.base_lrs, self.lr_lambdas)]


class MultiplicativeLR(_ByFunctions):
    """lr(t) = lr(t - 1) * f(t), with one function f for all groups, or a list with one for each; lr(0) = initial lr."""

    def _rates(self) -> list[float]:
        if self._is_initial:
            return self._current()
        return [lr * function(self.last_epoch) for lr, function in zip(self._current(), self.lr_lambdas)]


# ---------------------------------------------------------------------------------------------------------------- steps


class StepLR(LRScheduler):
    """lr(t) = initial lr * gamma^floor(t / step_size)."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        checks.positive("StepLR", step_size=step_size)
        checks.number("StepLR", gamma=gamma)
        self.step_size = checks.as_python(step_size)
        self.gamma = checks.as_python(gamma)
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._current()
        return [lr * self.gamma for lr in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr(t) = initial lr * gamma^k, where k of the milestones are at most t. One listed twice counts twice."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        listed = checks.as_python(list(milestones))
        checks.number("MultiStepLR", gamma=gamma, **{f"milestones[{i}]": m for i, m in enumerate(listed)})
        self.milestones = Counter(listed)
        self.gamma = checks.as_python(gamma)
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        if self.last_epoch not in self.milestones:
            return self._current()
        return [lr * self.gamma ** self.milestones[self.last_epoch] for lr in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        passed = sum(milestone <= self.last_epoch for milestone in self.milestones.elements())
        return [lr * self.gamma**passed for lr in self.base_lrs]

    def _load(self, key: str, value: Any) -> None:
        super()._load(key, Counter(value) if key == "milestones" else value)


class ConstantLR(LRScheduler):
    """lr(t) = initial lr * factor for t < total_iters, and initial lr from then on.

    A factor of 0, which no later factor could undo, is followed by the initial lr itself (PyTorch divides by 0 there).
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        checks.fraction("ConstantLR", factor=factor)
        checks.not_negative("ConstantLR", total_iters=total_iters)
        self.factor = checks.as_python(factor)
        self.total_iters = checks.as_python(total_iters)
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self._current()]
        if self.last_epoch != self.total_iters:
            return self._current()
        if self.factor == 0:
            return list(self.base_lrs)
        return [lr * (1.0 / self.factor) for lr in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        factor = self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)
        return [lr * factor for lr in self.base_lrs]


# ------------------------------------------------------------------------------------------------------------- gradual


class ExponentialLR(LRScheduler):
    """lr(t) = initial lr * gamma^t."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        checks.number("ExponentialLR", gamma=gamma)
        self.gamma = checks.as_python(gamma)
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        return self._current() if self._is_initial else [lr * self.gamma for lr in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class LinearLR(LRScheduler):
    """lr(t) = initial lr * (start_factor + (end_factor - start_factor) * min(t / total_iters, 1))."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        checks.fraction("LinearLR", start_factor=start_factor, end_factor=end_factor)
        checks.positive("LinearLR", start_factor=start_factor)
        checks.not_negative("LinearLR", total_iters=total_iters)
        self.start_factor = checks.as_python(start_factor)
        self.end_factor = checks.as_python(end_factor)
        self.total_iters = checks.as_python(total_iters)
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._current()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        rise = self.end_factor - self.start_factor
        growth = 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
        return [lr * growth for lr in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        rise = self.end_factor - self.start_factor
        factor = self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters
        return [lr * factor for lr in self.base_lrs]


class PolynomialLR(LRScheduler):
    """lr(t) = initial lr * (1 - min(t / total_iters, 1))^power."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        checks.not_negative("PolynomialLR", total_iters=total_iters, power=power)
        self.total_iters = checks.as_python(total_iters)
        self.power = checks.as_python(power)
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        left, left_before = (1.0 - t / self.total_iters for t in (self.last_epoch, self.last_epoch - 1))
        return [lr * (left / left_before) ** self.power for lr in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [lr * left**self.power for lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """lr(t) = eta_min + (initial lr - eta_min) * (1 + cos(pi * t / T_max)) / 2; past T_max it rises again.

    Loshchilov and Hutter 2017 (SGDR), equation 5, without restarts; computed from the rate before, as in PyTorch.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        checks.positive("CosineAnnealingLR", T_max=T_max)
        checks.number("CosineAnnealingLR", eta_min=eta_min)
        self.T_max = checks.as_python(T_max)
        self.eta_min = checks.as_python(eta_min)
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        if self._is_initial:
            return self._current()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the very bottom there is no ratio
            climb = 1 - math.cos(math.pi / self.T_max)
            return [lr + (base - self.eta_min) * climb / 2 for lr, base in zip(self._current(), self.base_lrs)]
        now, before = (1 + math.cos(math.pi * t / self.T_max) for t in (self.last_epoch, self.last_epoch - 1))
        return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]


# --------------------------------------------------------------------------------------------------------- by a measure


class ReduceLROnPlateau(LRScheduler):
    """lr <- max(lr * factor, min_lr) when the measure given to step() has not improved for more than `patience` epochs.

    mode "min": better is below best * (1 - threshold), or best - threshold for threshold_mode "abs"; "max": above
    best * (1 + threshold), or best + threshold. After a reduction, `cooldown` epochs are not counted. A reduction of
    at most eps is left out. min_lr: one number, or a list with one for each group.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        title = "ReduceLROnPlateau"
        checks.number(title, factor=factor, threshold=threshold, eps=eps, patience=patience, cooldown=cooldown)
        if factor >= 1:
            raise ValueError(f"{title}: factor must be below 1, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"{title}: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"{title}: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}")
        self.optimizer = checked_optimizer(title, optimizer)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else checks.as_python(min_lr)
        self.min_lrs = for_each_group(title, optimizer, "min_lr", min_lr)
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor, self.patience, self.threshold = checks.as_python((factor, patience, threshold))
        self.cooldown, self.eps = checks.as_python((cooldown, eps))
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.last_epoch = 0
        self._last_lr = self._current()
        self._reset()

    def _reset(self) -> None:
        """Forget the measures seen so far."""
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take note of an epoch's measure, a number or a 0-d tensor, and reduce the rates if it is time."""
        measure = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        with all_or_nothing(self):
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            if self._is_better(measure, self.best):
                self.best = measure
                self.num_bad_epochs = 0
            else:
                self.num_bad_epochs += 1
            if self.in_cooldown:
                self.cooldown_counter -= 1
                self.num_bad_epochs = 0
            if self.num_bad_epochs > self.patience:
                self._reduce()
                self.cooldown_counter = self.cooldown
                self.num_bad_epochs = 0
            self._last_lr = self._current()

    def _is_better(self, measure: float, best: float) -> bool:
        if self.threshold_mode == "rel":
            lower, higher = best * (1.0 - self.threshold), best * (1.0 + self.threshold)
        else:
            lower, higher = best - self.threshold, best + self.threshold
        return measure < lower if self.mode == "min" else measure > higher

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise ValueError(
                    f"ReduceLROnPlateau: min_lr lists {len(self.min_lrs)} values, but the optimizer has {len(groups)} "
                    "groups now; set scheduler.min_lrs"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lr, least in zip(groups, self._current(), self.min_lrs):
            reduced = max(lr * self.factor, least)
            if lr - reduced > self.eps:
                group["lr"] = reduced


# -------------------------------------------------------------------------------------------- schedulers of schedulers


class _Composite(LRScheduler):
    """What schedulers made of schedulers share."""

    _schedulers: list[LRScheduler]

    def _parts(self) -> Sequence[LRScheduler]:
        return self._schedulers

    def _restart(self) -> None:
        _set_back(self.optimizer)
        self._start_over()

    def _saved(self, key: str, value: Any) -> Any:
        return [part.state_dict() for part in value] if key == "_schedulers" else value

    def _check_state(self, state_dict: Any) -> None:
        super()._check_state(state_dict)
        states = state_dict["_schedulers"]
        if not isinstance(states, (list, tuple)) or len(states) != len(self._schedulers):
            title, count = type(self).__name__, len(self._schedulers)
            raise ValueError(f"{title}: a state_dict must hold {count} schedulers' states")
        for part, state in zip(self._schedulers, states):
            part._check_state(state)

    def _load(self, key: str, value: Any) -> None:
        if key != "_schedulers":
            return super()._load(key, value)
        for part, state in zip(self._schedulers, value):
            part._take_on(state)


class ChainedScheduler(_Composite):
    """Steps several schedulers, one after the other: their factors multiply.

    Unlike PyTorch's it may be a part of a SequentialLR, where its schedulers begin anew from the initial rates.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = _common_optimizer("ChainedScheduler", schedulers, optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = self._current()

    def step(self) -> None:  # type: ignore[override]
        """Step every scheduler."""
        with all_or_nothing(self):
            for part in self._schedulers:
                part.step()
            self._last_lr = self._current()

    def _undo(self) -> None:
        for part in self._schedulers:
            part._undo()

    def _initial_step(self) -> None:
        for part in self._schedulers:
            part._initial_step()
        self._last_lr = self._current()

    def _start_over(self) -> None:
        for part in self._schedulers:
            part._start_over()
        self._last_lr = self._current()


class SequentialLR(_Composite):
    """Schedulers one after the other: the first until t = milestones[0], the second, from its beginning, until ...

    Unlike PyTorch's it may be a part of another SequentialLR.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self.optimizer = _common_optimizer("SequentialLR", schedulers, checked_optimizer("SequentialLR", optimizer))
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones between them, "
                f"got {len(milestones)}"
            )
        if any(later < earlier for earlier, later in zip(milestones, milestones[1:])):
            raise ValueError(f"SequentialLR: the milestones must not fall, got {list(milestones)}")
        self._schedulers = list(schedulers)
        self._milestones = list(checks.as_python(milestones))
        self.last_epoch = last_epoch
        with all_or_nothing(self):
            _set_back(optimizer)
            for part in self._schedulers:  # each took its first step when it was made; only one of them is to begin now
                part._undo()
            self._initial_step()

    def _at(self, epoch: int) -> tuple[int, LRScheduler]:
        index = sum(milestone <= epoch for milestone in self._milestones)
        return index, self._schedulers[index]

    def step(self) -> None:  # type: ignore[override]
        """Step the scheduler whose turn it is."""
        with all_or_nothing(self):
            self.last_epoch += 1
            index, part = self._at(self.last_epoch)
            if index > 0 and self._milestones[index - 1] == self.last_epoch:
                part._restart()
            else:
                part.step()
            self._last_lr = part.get_last_lr()

    def _undo(self) -> None:
        self.last_epoch -= 1
        self._at(0)[1]._undo()

    def _initial_step(self) -> None:
        self.last_epoch += 1
        first = self._at(0)[1]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _start_over(self) -> None:
        self.last_epoch = 0
        first = self._at(0)[1]
        first._start_over()
        self._last_lr = first.get_last_lr()


def _common_optimizer(title: str, schedulers: Sequence[Any], optimizer: Optimizer | None) -> Optimizer:
    """The optimizer that all schedulers work on. Raises TypeError or ValueError if they cannot work together."""
    if not schedulers:
        raise ValueError(f"{title}: the list of schedulers is empty")
    for i, part in enumerate(schedulers):
        if not isinstance(part, LRScheduler):
            raise TypeError(f"{title}: schedulers[{i}] is a {type(part).__name__}, not a scheduler")
        if isinstance(part, ReduceLROnPlateau):
            raise ValueError(f"{title}: schedulers[{i}] is a ReduceLROnPlateau, whose step() needs a measure")
        if part.optimizer is not (optimizer or schedulers[0].optimizer):
            raise ValueError(f"{title}: schedulers[{i}] ({type(part).__name__}) works on another optimizer")
    return schedulers[0].optimizer


def _set_back(optimizer: Optimizer) -> None:
    """Give each group its initial rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"]
