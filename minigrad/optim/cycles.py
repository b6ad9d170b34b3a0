"""Schedules that come back: warm restarts, cycles, and the one cycle."""

from __future__ import annotations

import math
from typing import Any, Callable, Sequence

from . import checks
from .optimizer import Optimizer
from .scheduler import (
    LRScheduler, all_or_nothing, attributes_of, checked_optimizer, for_each_group,
)


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (initial lr - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2.

    T_cur epochs have gone by since the last restart; periods of T_i epochs begin with T_0 and grow T_mult times each.
    step(epoch) goes to any epoch, which may be a fraction. Loshchilov and Hutter 2017 (SGDR), equation 5. There PyTorch
    takes a logarithm, whose rounding may delay a restart (T_0=1, T_mult=3, epoch 121); here periods are counted.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        title = "CosineAnnealingWarmRestarts"
        checks.number(title, eta_min=eta_min)
        self.T_0 = self.T_i = checks.whole(title, "T_0", T_0, 1)
        self.T_mult = checks.whole(title, "T_mult", T_mult, 1)
        self.eta_min = checks.as_python(eta_min)
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch, or of this one: epoch + batch / batches sets them for each batch."""
        if epoch is not None:
            checks.not_negative("CosineAnnealingWarmRestarts", epoch=epoch)
        with all_or_nothing(self):
            if epoch is None and self.last_epoch >= 0:
                self._advance()
            else:
                self._go_to(0 if epoch is None else checks.as_python(epoch))
            self._get_lr_called_within_step = True
            rates = self.get_lr()
            self._get_lr_called_within_step = False
            self._set(rates)

    def _advance(self) -> None:
        self.last_epoch += 1
        self.T_cur += 1
        if self.T_cur >= self.T_i:
            self.T_cur %= self.T_i
            self.T_i *= self.T_mult

    def _go_to(self, epoch: float) -> None:
        if self.T_mult == 1:
            self.T_cur, self.T_i = epoch % self.T_0, self.T_0
        else:
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        self.last_epoch = math.floor(epoch)


class _WithMomentum(LRScheduler):
    """What CyclicLR and OneCycleLR share: momentum, or the first beta, falls while the learning rate rises."""

    cycle_momentum: bool
    _optional = {"use_beta1", "base_momentums", "max_momentums"}

    def _check_momentum(self, optimizer: Optimizer, cycle: bool, low: Any, high: Any) -> tuple[list[float], ...]:
        """Lists for each group, of the lowest and the highest momentum; empty if momentum is left alone."""
        title = type(self).__name__
        self.cycle_momentum = bool(cycle)
        if not cycle:
            return [], []
        if not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                f"{title}: {type(optimizer).__name__} has neither momentum nor betas; pass cycle_momentum=False"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        lows = for_each_group(title, optimizer, "base_momentum", low)
        return lows, for_each_group(title, optimizer, "max_momentum", high)

    def _note_momentum(self, lows: list[float], highs: list[float]) -> None:
        for group, low, high in zip(self.optimizer.param_groups, lows, highs):
            group["max_momentum"], group["base_momentum"] = high, low
            self._set_momentum(group, high)

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """lr goes up from base_lr to max_lr in step_size_up steps, down again in step_size_down, and so on.

    lr = base_lr + (max_lr - base_lr) * height * scale, where height runs from 0 to 1 and back. scale is 1 for the mode
    "triangular", 1 / 2^(cycle - 1) with cycles counted from 1 for "triangular2", gamma^t for "exp_range", or
    scale_fn(cycle), or scale_fn(t) with scale_mode "iterations". With cycle_momentum, momentum (or the first of betas)
    goes down from max_momentum to base_momentum meanwhile. Call step() after every batch. Smith 2017, section 3.
    """

    _scale_fn_custom: Callable[[float], float] | None

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        step_size_down = step_size_up if step_size_down is None else step_size_down
        checks.positive("CyclicLR", step_size_up=step_size_up, step_size_down=step_size_down)
        checks.number("CyclicLR", gamma=gamma)
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(f"CyclicLR: mode must be 'triangular', 'triangular2' or 'exp_range', got {mode!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"CyclicLR: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        checked_optimizer("CyclicLR", optimizer)
        self._start_lrs = for_each_group("CyclicLR", optimizer, "base_lr", base_lr)
        self.max_lrs = for_each_group("CyclicLR", optimizer, "max_lr", max_lr)
        self.total_size = float(step_size_up) + float(step_size_down)
        self.step_ratio = float(step_size_up) / self.total_size
        self.mode, self.gamma = mode, checks.as_python(gamma)
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        lows, highs = self._check_momentum(optimizer, cycle_momentum, base_momentum, max_momentum)
        if self.cycle_momentum:
            self.base_momentums, self.max_momentums = lows, highs
        super().__init__(optimizer, last_epoch)
        self.base_lrs = self.__dict__.pop("_start_lrs")

    def _begin(self) -> None:
        for group, lr in zip(self.optimizer.param_groups, self._start_lrs):
            group["lr"] = lr
        if self.cycle_momentum:
            self._note_momentum(self.base_momentums, self.max_momentums)
        super()._begin()

    def scale_fn(self, x: float) -> float:
        """How high a cycle goes: x is its number, from 1, or the step, from 0, as scale_mode says."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / (2.0 ** (x - 1)) if self.mode == "triangular2" else self.gamma**x

    def _rates(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs)]

    def _saved(self, key: str, value: Any) -> Any:
        return attributes_of(value) if key == "_scale_fn_custom" and value is not None else value

    def _load(self, key: str, value: Any) -> None:
        if key != "_scale_fn_custom":
            super()._load(key, value)
        elif value is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(value)


class OneCycleLR(_WithMomentum):
    """One cycle over the whole training: lr rises from max_lr / div_factor to max_lr, then falls far below the start.

    The rise takes the first pct_start of total_steps (or of epochs * steps_per_epoch); the fall to the start over
    final_div_factor takes the rest. With three_phase it first falls back to the start, as long as the rise took.
    anneal_strategy: along half a "cos" wave, or "linear". With cycle_momentum, momentum (or the first of betas) goes
    from max_momentum to base_momentum and back meanwhile. Call step() after every batch; a step past the
    end raises ValueError. Smith and Topin 2018. A rise of one step, for which PyTorch divides by 0, is over at once.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        title = "OneCycleLR"
        checked_optimizer(title, optimizer)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        checks.fraction(title, pct_start=pct_start)
        checks.positive(title, div_factor=div_factor, final_div_factor=final_div_factor)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"{title}: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self._schedule_phases = _phases(self.total_steps, checks.as_python(pct_start), three_phase)
        self._anneal_func_type = anneal_strategy
        tops = for_each_group(title, optimizer, "max_lr", max_lr)
        lows, highs = self._check_momentum(optimizer, cycle_momentum, base_momentum, max_momentum)
        self._start = (tops, checks.as_python(div_factor), checks.as_python(final_div_factor), lows, highs)
        super().__init__(optimizer, last_epoch)
        del self._start

    def _begin(self) -> None:
        tops, div_factor, final_div_factor, lows, highs = self._start
        for group, top in zip(self.optimizer.param_groups, tops):
            group["initial_lr"] = top / div_factor
            group["max_lr"] = top
            group["min_lr"] = group["initial_lr"] / final_div_factor
        if self.cycle_momentum:
            self._note_momentum(lows, highs)

    def _rates(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ValueError(f"OneCycleLR: step {self.last_epoch} is past the end; total_steps is {self.total_steps}")
        phase, done = self._phase()
        for group in self.optimizer.param_groups if self.cycle_momentum else []:
            ends = self._noted(group, phase["start_momentum"]), self._noted(group, phase["end_momentum"])
            self._set_momentum(group, self._between(*ends, done))
        return [
            self._between(self._noted(group, phase["start_lr"]), self._noted(group, phase["end_lr"]), done)
            for group in self.optimizer.param_groups
        ]

    def _phase(self) -> tuple[dict[str, Any], float]:
        """The phase of this step, and how much of it is done."""
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if self.last_epoch <= end or phase is self._schedule_phases[-1]:
                return phase, 1.0 if end == start else (self.last_epoch - start) / (end - start)
            start = end
        raise AssertionError("there is always a last phase")

    def _noted(self, group: dict[str, Any], key: str) -> float:
        if key not in group:
            raise KeyError(f"OneCycleLR: a parameter group has no {key!r}; make a new scheduler, with last_epoch=-1")
        return group[key]

    def _between(self, start: float, end: float, done: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * done + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1)


def _total_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        return checks.whole("OneCycleLR", "total_steps", total_steps, 1)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("OneCycleLR: pass total_steps, or both epochs and steps_per_epoch")
    count = checks.whole("OneCycleLR", "epochs", epochs, 1)
    return count * checks.whole("OneCycleLR", "steps_per_epoch", steps_per_epoch, 1)


def _phases(total: int, share: float, three: bool) -> list[dict[str, Any]]:
    """By the step at which each ends; the values are the names under which groups note them, as in PyTorch's states."""
    rise = _phase_to(float(share * total) - 1, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))
    if not three:
        return [rise, _phase_to(total - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum"))]
    fall = _phase_to(float(2 * share * total) - 2, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum"))
    return [rise, fall, _phase_to(total - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum"))]


def _phase_to(end: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
    return {
        "end_step": end, "start_lr": lr[0], "end_lr": lr[1], "start_momentum": momentum[0], "end_momentum": momentum[1],
    }  # fmt: skip
