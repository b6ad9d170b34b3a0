"""What all learning-rate schedulers share. The schedules themselves: lr_scheduler.py and cycles.py."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from types import FunctionType
from typing import Any, Callable, Iterator, Mapping, Sequence

from . import checks
from .optimizer import Optimizer

# What a scheduler holds only while it works. PyTorch's states list some of it, always as False.
_PASSING = {"optimizer", "_is_initial", "_get_lr_called_within_step"}

# Of these a state has one for each parameter group.
_PER_GROUP = {"base_lrs", "_last_lr", "lr_lambdas", "max_lrs", "min_lrs", "base_momentums", "max_momentums"}


class LRScheduler:
    """Sets the learning rate of each parameter group, from epoch to epoch: step() after the optimizer's step().

    To write a schedule, override get_lr(): the rates for self.last_epoch, one for each group, from self.base_lrs (the
    groups' "initial_lr") or from the rates at hand. The schedules here override _rates() instead, which get_lr() calls
    after it has warned of a call from outside; those that go from the rates at hand leave them alone while _is_initial,
    and have a _get_closed_form_lr() from base_lrs. A new scheduler at once sets the rates of epoch 0. With
    last_epoch >= 0 the groups must already have an "initial_lr", as after the optimizer's load_state_dict().
    Raises TypeError for what is no optimizer, KeyError for a missing "initial_lr"; a step that fails changes nothing.
    """

    _get_lr_called_within_step = False
    _is_initial = False
    _optional: set[str] = set()  # what a state has under some settings only

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        checks.whole(type(self).__name__, "last_epoch", last_epoch, -1)
        self.optimizer = checked_optimizer(type(self).__name__, optimizer)
        self.last_epoch = last_epoch
        with all_or_nothing(self):
            if last_epoch == -1:
                self._begin()
            self._read_base_lrs()
            self._initial_step()

    def _begin(self) -> None:
        """Note in the groups what the schedule starts from."""
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])

    def _read_base_lrs(self) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            if "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: to go on after epoch {self.last_epoch}, param_groups[{i}] needs an "
                    "'initial_lr'; load the optimizer's state first, or start anew with last_epoch=-1"
                )
        self.base_lrs = group_values(self.optimizer, "initial_lr")

    def _initial_step(self) -> None:
        """Set the first rates."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rates that the schedule sets at this point, computed again; get_last_lr() tells those that it set."""
        if not self._get_lr_called_within_step:
            warnings.warn("get_lr() computes a step of the schedule; to see the present rates, use get_last_lr()",
                          UserWarning, stacklevel=2)  # fmt: skip
        return self._rates()

    def _rates(self) -> list[float]:
        """The rates for self.last_epoch, one for each group."""
        raise NotImplementedError(f"{type(self).__name__} does not state its schedule: override get_lr()")

    def get_last_lr(self) -> list[float]:
        """The rates that were set last, one for each group."""
        return list(self._last_lr)

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch. Warns if the optimizer has not taken a step since the scheduler was made.

        epoch: set those of this one instead, by the closed form where there is one (out of use; warns, as PyTorch's).
        """
        if self._step_count == 1:
            warn_if_idle(self.optimizer)
        if epoch is not None:
            warn_of_epoch()
        with all_or_nothing(self):
            self._step_count += 1
            self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                rates = getattr(self, "_get_closed_form_lr", self.get_lr)()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: Sequence[float]) -> None:
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(
                f"{type(self).__name__}: the schedule has rates for {len(rates)} groups, the optimizer has "
                f"{len(groups)} groups now; make a new scheduler after add_param_group()"
            )
        for group, lr in zip(groups, rates):
            group["lr"] = lr
        self._last_lr = self._current()

    def _current(self) -> list[float]:
        return group_values(self.optimizer, "lr")

    # ----------------------------------------------------------------------------------------- inside other schedulers

    def _parts(self) -> Sequence[LRScheduler]:
        """The schedulers that this one runs."""
        return ()

    def _undo(self) -> None:
        """Forget the step that the constructor took; who made the scheduler a part of itself sets the rates back."""
        self.last_epoch -= 1

    def _restart(self) -> None:
        """Set the rates of epoch 0, in the middle of the training."""
        self._update_lr(0)

    def _start_over(self) -> None:
        """Begin anew, from rates that are back at their initial values."""
        self.last_epoch = -1
        self._initial_step()

    # ----------------------------------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """All that the scheduler holds but the optimizer, and functions, by PyTorch's names; save the optimizer's, too.

        Of a callable object its attributes are kept, of a function or lambda nothing.
        """
        return {key: _copied(self._saved(key, value)) for key, value in self.__dict__.items() if key not in _PASSING}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take on a copy of what state_dict(), here or in PyTorch, returned. The optimizer's rates are its own state.

        Raises TypeError or ValueError, and changes nothing, if it does not fit.
        """
        self._check_state(state_dict)
        self._take_on(state_dict)

    def _check_state(self, state_dict: Any) -> None:
        title = type(self).__name__
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{title}: a state_dict is a dict from state_dict(), not a {type(state_dict).__name__}")
        mine = self.state_dict()
        missing = sorted(mine.keys() - state_dict.keys() - self._optional)
        unknown = sorted(state_dict.keys() - mine.keys() - self._optional - _PASSING)
        if missing or unknown:
            raise ValueError(
                f"{title}: the state_dict lacks {missing} and has {unknown}, which are unknown; is it of another "
                "schedule?"
            )
        for key in sorted(_PER_GROUP & state_dict.keys()):
            count, given = len(mine.get(key, mine["_last_lr"])), state_dict[key]
            if not isinstance(given, (list, tuple)) or len(given) != count:
                raise ValueError(f"{title}: {key} must list {count} values, got {given!r}")

    def _take_on(self, state_dict: Mapping[str, Any]) -> None:
        for key, value in state_dict.items():
            if key not in _PASSING:
                self._load(key, _copied(value))

    def _saved(self, key: str, value: Any) -> Any:
        """How an attribute is kept in a state."""
        return value

    def _load(self, key: str, value: Any) -> None:
        """Take an attribute from a state."""
        setattr(self, key, value)


# --------------------------------------------------------------------------------------------------------- by hand


@contextmanager
def all_or_nothing(scheduler: LRScheduler) -> Iterator[None]:
    """Put the scheduler, its parts and the optimizer's groups back as they were if what is inside fails."""
    changing = [part.__dict__ for part in _with_parts(scheduler)] + scheduler.optimizer.param_groups
    kept = [dict(attributes) for attributes in changing]
    try:
        yield
    except BaseException:
        for attributes, before in zip(changing, kept):
            attributes.clear()
            attributes.update(before)
        raise


def _with_parts(scheduler: LRScheduler) -> Iterator[LRScheduler]:
    yield scheduler
    for part in scheduler._parts():
        yield from _with_parts(part)


def warn_if_idle(optimizer: Optimizer) -> None:
    """The first rate would never be used if the scheduler stepped first."""
    if not optimizer.has_stepped:
        warnings.warn(
            "the scheduler's step() was called before the optimizer's, so the first learning rate of the schedule is "
            "skipped; call optimizer.step() first",
            UserWarning, stacklevel=3,
        )  # fmt: skip


def warn_of_epoch() -> None:
    warnings.warn("step(epoch) is out of use; call step() once an epoch", UserWarning, stacklevel=3)


def group_values(optimizer: Optimizer, key: str) -> list[Any]:
    """A hyper-parameter or note of each group, in Python's own numbers."""
    return [checks.as_python(group[key]) for group in optimizer.param_groups]


def for_each_group(title: str, optimizer: Optimizer, name: str, value: Any) -> list[Any]:
    """One value for each group, from a list or from one number for all. Raises TypeError or ValueError."""
    count = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(values) != count:
        raise ValueError(f"{title}: {name} has {len(values)} values, but the optimizer has {count} groups")
    for i, part in enumerate(values):
        checks.number(title, **{f"{name}[{i}]": part})
    return [checks.as_python(part) for part in values]


def functions_for_each_group(title: str, optimizer: Any, given: Any) -> list[Callable[[int], float]]:
    """One function for each group, from a list or from one for all. Raises TypeError or ValueError."""
    count = len(checked_optimizer(title, optimizer).param_groups)
    functions = list(given) if isinstance(given, (list, tuple)) else [given] * count
    if len(functions) != count:
        raise ValueError(f"{title}: lr_lambda lists {len(functions)} functions, but the optimizer has {count} groups")
    for function in functions:
        if not callable(function):
            raise TypeError(f"{title}: lr_lambda must be a function, or one for each group; got {function!r}")
    return functions


def checked_optimizer(title: str, optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{title}: optimizer must be an Optimizer, not a {type(optimizer).__name__}")
    return optimizer


def attributes_of(function: Any) -> dict[str, Any] | None:
    """What a state keeps of a callable: an object's attributes; nothing of a function."""
    if isinstance(function, FunctionType) or not hasattr(function, "__dict__"):
        return None
    return dict(function.__dict__)


def _copied(value: Any) -> Any:
    """Its own lists and dicts, so that neither a state nor a scheduler changes with the other."""
    if isinstance(value, dict):
        return type(value)({key: _copied(part) for key, part in value.items()})
    return [_copied(part) for part in value] if isinstance(value, list) else value
