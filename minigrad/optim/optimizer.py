"""Optimizer: parameter groups, state, and the step that every rule shares."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

import numpy as np

from .. import kernels
from ..autograd import enable_grad
from ..tensor import Tensor
from .arena import Arena, refuse_shared_memory


def not_negative(rule: str, **values: float) -> None:
    """Raise ValueError for a hyper-parameter below 0 (or NaN)."""
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{rule}: {name} must not be negative, got {value}")


def below_one(rule: str, **values: float) -> None:
    """Raise ValueError for a hyper-parameter outside [0, 1)."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{rule}: {name} must be in [0, 1), got {value}")


class Optimizer:
    """What all update rules share. A rule is a subclass that names its law and its states and computes the scalars.

    law_name: the text in kernels/. states: the law's updated arrays besides p, and what PyTorch calls them. counts_steps:
    whether PyTorch keeps a "step" for it. check(group): raise ValueError for hyper-parameters out of range.
    rule(group, age): (law, scalars) for parameters that have taken `age` steps.

    params: an iterable of tensors, of (name, tensor) pairs, or of dicts with "params" and hyper-parameters of their own.
    Raises TypeError or ValueError for an empty list, what is not a leaf, duplicates, or parameters that share memory.
    """

    law_name: str
    states: dict[str, str] = {}
    counts_steps = True

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._arenas: list[Arena] = []
        self._laws: dict[tuple, kernels.Law] = {}
        if isinstance(params, Tensor):
            raise TypeError(f"{type(self).__name__}: params must be an iterable of tensors, not one tensor; write [tensor]")
        groups = list(params)
        if not groups:
            raise ValueError(f"{type(self).__name__}: the list of parameters is empty")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    # ----------------------------------------------------------------------------------------------- for the rules

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for hyper-parameters out of range."""

    def rule(self, group: dict[str, Any], age: int) -> tuple[kernels.Law, dict[str, float]]:
        """The law, and its scalars, for parameters of a group that have taken `age` steps."""
        raise NotImplementedError(f"{type(self).__name__} does not state its rule")

    def law(self, **flags: bool) -> kernels.Law:
        """The rule's law with these flags."""
        key = tuple(flags.values())
        found = self._laws.get(key)
        if found is None:
            found = self._laws[key] = kernels.load(self.law_name, **flags)
        return found

    # --------------------------------------------------------------------------------------------------- the groups

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters with hyper-parameters of their own; what is missing comes from the constructor's."""
        name = type(self).__name__
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f"{name}: a parameter group is a dict with 'params', not {group!r}")
        listed = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in listed]
        if not params:
            raise ValueError(f"{name}: a parameter group is empty")
        full = {**self.defaults, **group, "params": params}
        unknown = sorted(full.keys() - self.defaults.keys() - {"params"})
        if unknown:
            raise ValueError(f"{name}: unknown hyper-parameters {unknown}; known are {sorted(self.defaults)}")
        self._check_params(params)
        self.check(full)
        arena = Arena(params, sum(len(g["params"]) for g in self.param_groups), tuple(self.states))
        arena.lay_out()
        self.param_groups.append(full)
        self._arenas.append(arena)

    def _check_params(self, params: list[Any]) -> None:
        name = type(self).__name__
        earlier = [p for group in self.param_groups for p in group["params"]]
        for i, p in enumerate(params, len(earlier)):
            if not isinstance(p, Tensor):
                raise TypeError(f"{name}: parameter {i} is a {type(p).__name__}, not a tensor")
            if not p.is_leaf:
                raise ValueError(f"{name}: parameter {i} (shape {p.shape}) was computed by {p.node.name}; only leaves can be optimized")
            if not p.is_floating_point():
                raise TypeError(f"{name}: parameter {i} has dtype {p.dtype}; only floating-point tensors can be optimized")
        every = earlier + params
        if len({id(p) for p in every}) != len(every):
            raise ValueError(f"{name}: a parameter is listed twice")
        refuse_shared_memory(list(enumerate(every)))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with set_to_none=False, make them zeros instead (a rule then does take its step)."""
        for group in self.param_groups:
            for p in group["params"]:
                leaf = p.node
                if leaf is None or leaf.grad is None:
                    continue
                leaf.grad = None if set_to_none else p.new_zeros(*p.shape)

    # ------------------------------------------------------------------------------------------------------ the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient. closure: computes the loss and its gradients; its value is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group, arena in zip(self.param_groups, self._arenas):
            arena.refresh()
        for group, arena in zip(self.param_groups, self._arenas):
            for block in arena.blocks:
                runs = block.gather()
                if not runs:
                    continue
                with block.backend.on(block.device):
                    for start, stop, age in runs:
                        law, scalars = self.rule(group, age)
                        block.apply(law, start, stop, scalars)
                    block.finish()
        return loss

    # ------------------------------------------------------------------------------------------------------- state

    @property
    def state(self) -> dict[Tensor, dict[str, Any]]:
        """What is remembered of each parameter that has taken a step, by PyTorch's names; tensors on the same memory."""
        return {slot.param: self._state_of(slot) for arena in self._arenas for slot in arena.slots if slot.age}

    def _state_of(self, slot: Any) -> dict[str, Any]:
        known: dict[str, Any] = {"step": Tensor(float(slot.age))} if self.counts_steps else {}
        for name, flat in slot.states.items():
            known[self.states[name]] = Tensor.of(flat.reshape(slot.param.shape))
        return known

    def state_dict(self) -> dict[str, Any]:
        """{"state": by parameter number, "param_groups": hyper-parameters and parameter numbers}, as in PyTorch."""
        groups, start = [], 0
        for group in self.param_groups:
            numbers = list(range(start, start + len(group["params"])))
            groups.append({**{k: v for k, v in group.items() if k != "params"}, "params": numbers})
            start += len(numbers)
        state = {slot.index: self._state_of(slot) for arena in self._arenas for slot in arena.slots if slot.age}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take on the groups and state that state_dict() returned. Raises ValueError, and changes nothing, if they do not fit."""
        name = type(self).__name__
        groups = state_dict["param_groups"]
        sizes = [len(g["params"]) for g in groups]
        expected = [len(g["params"]) for g in self.param_groups]
        if sizes != expected:
            raise ValueError(f"{name}: the state has groups of {sizes} parameters, the optimizer of {expected}")
        slots = [slot for arena in self._arenas for slot in arena.slots]
        numbers = [number for g in groups for number in g["params"]]
        loaded = {position: state_dict["state"][n] for position, n in enumerate(numbers) if n in state_dict["state"]}
        ages, arrays = {}, {}
        for position, entry in loaded.items():
            ages[position], arrays[position] = self._read_state(slots[position], entry)
        new_groups = []
        for mine, theirs in zip(self.param_groups, groups):
            merged = {**mine, **{k: v for k, v in theirs.items() if k in self.defaults}}
            self.check(merged)
            new_groups.append(merged)
        for arena in self._arenas:
            arena.refresh()
        for position, slot in enumerate(slots):
            slot.age = ages.get(position, 0)
            for key, flat in slot.states.items():
                flat[...] = arrays[position][key] if position in arrays else 0
        for mine, merged in zip(self.param_groups, new_groups):
            mine.update(merged)

    def _read_state(self, slot: Any, entry: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        name = f"{type(self).__name__}: the state of parameter {slot.index}"
        wanted = [*self.states.values(), *(["step"] if self.counts_steps else [])]
        if self.states and all(entry.get(key) is None for key in wanted):
            return 0, {key: 0 for key in self.states}  # PyTorch writes momentum_buffer=None before the first step
        missing = [key for key in wanted if entry.get(key) is None]
        if missing:
            raise ValueError(f"{name} lacks {missing}")
        arrays = {}
        for ours, theirs in self.states.items():
            value = entry[theirs]
            if tuple(value.shape) != slot.param.shape:
                raise ValueError(f"{name} has {theirs} of shape {tuple(value.shape)}; the parameter has shape {slot.param.shape}")
            if not isinstance(value, Tensor):
                value = Tensor(np.asarray(value), dtype=slot.param.dtype)
            arrays[ours] = value.to(device=slot.param.device).array.reshape(-1)
        return int(entry["step"]) if self.counts_steps else 1, arrays

    # ------------------------------------------------------------------------------------------------------- copies

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles carry values, not views: an arena of views would no longer share the copied parameters' memory."""
        kept = []
        for arena in self._arenas:
            kept.append([(slot.age, {k: flat.copy() for k, flat in slot.states.items()}) for slot in arena.slots])
        plain = {k: v for k, v in self.__dict__.items() if k not in ("_arenas", "_laws")}
        return {**plain, "_kept": kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = state.pop("_kept")
        self.__dict__.update(state)
        self._laws = {}
        self._arenas = []
        first = 0
        for group, slots in zip(self.param_groups, kept):
            arena = Arena(group["params"], first, tuple(self.states))
            for slot, (age, states) in zip(arena.slots, slots):
                slot.age, slot.states = age, states
            self._arenas.append(arena)  # laid out at the next step, when the copied parameters are complete
            first += len(slots)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])
