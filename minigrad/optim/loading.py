"""Reading a state_dict, from minigrad or PyTorch: everything is checked and copied before an optimizer takes it on."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

import numpy as np

from ..backend import move
from ..tensor import Tensor

# How PyTorch is to compute, not what: its groups carry these, and no rule here depends on them.
_ABOUT_COMPUTING = {"foreach", "fused", "capturable", "differentiable"}


def sections(rule: str, state_dict: Any, sizes: list[int]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """(groups, the entries of all parameters in order); {} for a parameter of which nothing is remembered.

    Raises TypeError or ValueError if the sections are missing or do not fit groups of these sizes.
    """
    if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
        found = sorted(map(str, state_dict)) if isinstance(state_dict, Mapping) else type(state_dict).__name__
        raise TypeError(
            f"{rule}: a state_dict is a dict of 'state' and 'param_groups', as state_dict() returns; got {found}"
        )
    groups, state = state_dict["param_groups"], state_dict["state"]
    if not isinstance(groups, (list, tuple)) or not all(isinstance(group, Mapping) for group in groups):
        raise TypeError(f"{rule}: 'param_groups' of a state_dict is a list of dicts, not {groups!r}")
    if not isinstance(state, Mapping) or not all(isinstance(entry, Mapping) for entry in state.values()):
        raise TypeError(f"{rule}: 'state' of a state_dict is a dict of a dict for each parameter, not {state!r}")
    for i, group in enumerate(groups):
        if "params" not in group:
            raise ValueError(f"{rule}: group {i} of the state_dict lacks 'params', the numbers of its parameters")
    theirs = [len(group["params"]) for group in groups]
    if theirs != sizes:
        raise ValueError(f"{rule}: the state_dict has groups of {theirs} parameters, the optimizer of {sizes}")
    numbers = [number for group in groups for number in group["params"]]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{rule}: the state_dict lists a parameter twice: {numbers}")
    strangers = [number for number in state if number not in numbers]
    if strangers:
        raise ValueError(f"{rule}: the state_dict has state for {strangers}, which are in none of its groups")
    return groups, [state.get(number, {}) for number in numbers]


def merged(
    rule: str, mine: dict[str, Any], theirs: Mapping[str, Any], known: Iterable[str], notes: Iterable[str]
) -> dict[str, Any]:
    """My group with their hyper-parameters. Raises ValueError for those missing and those that would go unheard."""
    missing = [key for key in known if key not in theirs]
    if missing:
        raise ValueError(f"{rule}: a group of the state_dict lacks {missing}; is it another rule's?")
    taken = {*known, *notes} - {"param_names"}
    unheard = [key for key in theirs.keys() - taken - _ABOUT_COMPUTING - {"params", "param_names"} if theirs[key]]
    if unheard:  # such as amsgrad=True; what is False or 0 asks for nothing
        raise ValueError(f"{rule}: a group of the state_dict has {sorted(unheard)}, which {rule} does not know")
    return {**mine, **{key: value for key, value in theirs.items() if key in taken}}


# Of one parameter: its age, flat arrays by the law's names, and the host's numbers.
Remembered = tuple[int, dict[str, Any], dict[str, float]]


class Entry:
    """What a state_dict says of one parameter."""

    def __init__(self, title: str, entry: Mapping[str, Any]) -> None:
        self.title = title
        self.given = {key: value for key, value in entry.items() if value is not None}  # PyTorch's SGD may write None

    def read(
        self,
        param: Tensor,
        states: Mapping[str, tuple[str, tuple[int, ...]]],
        used: list[str],
        numbers: Iterable[str],
        counts: bool,
    ) -> Remembered:
        """What is remembered of a parameter. states: the law's name and the shape of each; `used` are needed.

        Raises ValueError for what is missing, unknown or of another shape.
        """
        needed = [*used, *numbers, *(["step"] if counts else [])]
        known = {*states, *needed}
        strangers = sorted(self.given.keys() - known)
        if strangers:
            raise ValueError(f"{self.title} has {strangers}, which are unknown; known are {sorted(known)}")
        if not self.given:
            return 0, {}, {}
        missing = [key for key in needed if key not in self.given]
        if missing:
            raise ValueError(f"{self.title} lacks {missing}")
        arrays = {name: self._array(key, param, shape) for key, (name, shape) in states.items() if key in self.given}
        age = self._age() if counts else 1
        if age == 0:  # PyTorch makes some states before the first step; ours begin with it
            return 0, {}, {}
        return age, arrays, {key: self._number(key) for key in numbers}

    def _age(self) -> int:
        steps = self._number("step")
        if not (steps >= 0 and steps.is_integer()):
            raise ValueError(f"{self.title} has step {steps}, which is no number of steps")
        return int(steps)

    def _number(self, key: str) -> float:
        try:
            return float(self.given[key])
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{self.title} has {key} {self.given[key]!r}; it must be one number") from None

    def _array(self, key: str, param: Tensor, shape: tuple[int, ...]) -> Any:
        value = self.given[key]
        array = value.array.copy() if isinstance(value, Tensor) else np.asarray(value).copy()
        if array.shape != shape:
            wanted = "" if shape == param.shape else f", which asks for {shape}"
            raise ValueError(
                f"{self.title} has {key} of shape {array.shape}; the parameter has shape {param.shape}{wanted}"
            )
        if array.dtype.kind != "f":
            raise ValueError(f"{self.title} has {key} of dtype {array.dtype}; it must be floating point")
        return move(array.reshape(-1), param.device)
