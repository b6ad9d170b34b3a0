"""What optimizers around another optimizer share."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Callable, Mapping

from ..tensor import Tensor
from . import checks
from .arena import Slot
from .explain import Explanation, LawCall
from .lbfgs import LBFGS
from .optimizer import _NOT_COPIED, Optimizer
from .scheduler import checked_optimizer

_SECTIONS = {"optimizer", "settings", "state"}


class Wrapper(Optimizer):
    """An optimizer around another, `optimizer`: rule, groups, schedules and the parameters' places are the inner one's.

    A subclass names its settings, which are attributes and may be changed, checks them (check), and extends step(),
    where checked_settings() comes first. If it remembers something of each parameter, it states _state_of(), _read()
    and _take_on(). Raises TypeError for what is no optimizer, ValueError for LBFGS.
    """

    optimizer: Optimizer
    settings: tuple[str, ...] = ()

    def __init__(self, optimizer: Optimizer, **settings: Any) -> None:
        title = type(self).__name__
        checked_optimizer(title, optimizer)
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                f"{title}: LBFGS cannot be wrapped: it learns the loss's shape from its own steps and gradients, and "
                "these would be changed behind its back; wrap another rule"
            )
        self.optimizer = optimizer
        self._laws, self._fitting = {}, set()
        self.__dict__.update(settings)
        self.checked_settings()

    def checked_settings(self) -> dict[str, Any]:
        """The settings in Python's own numbers, or what check() raises."""
        plain = {name: checks.as_python(getattr(self, name)) for name in self.settings}
        self.check(plain)
        return plain

    # ------------------------------------------------------------------------------------- what is the inner one's

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        return self.optimizer.param_groups

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override]
        return self.optimizer.defaults

    @property
    def needs_closure(self) -> str:  # type: ignore[override]
        return self.optimizer.needs_closure

    @property
    def error_if_nonfinite(self) -> bool:
        return self.optimizer.error_if_nonfinite

    @error_if_nonfinite.setter
    def error_if_nonfinite(self, value: bool) -> None:
        self.optimizer.error_if_nonfinite = value

    @property
    def _arenas(self) -> Any:  # type: ignore[override]
        return self.optimizer._arenas

    def _prepare(self) -> None:
        self.optimizer._prepare()

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        self.optimizer.add_param_group(group)

    # ------------------------------------------------------------------------------------------------- to look inside

    def explanation(self, param: Tensor, index: Any, closure: Callable[[], Any] | None = None) -> Explanation:
        """As for every rule: the inner one's laws, and after them those of the wrapper itself."""
        settings = self.checked_settings()
        told = self.optimizer.explanation(param, index, self._inner_closure(closure, settings))
        laws = told.laws + (self._laws_after(param, index, told, settings) if told.laws else [])
        title = f"{type(self).__name__} around {told.title}"
        return Explanation(title, {**settings, **told.settings}, laws, param.dtype.type(told.before["p"]))

    def _inner_closure(self, closure: Callable[[], Any] | None, settings: dict[str, Any]) -> Callable[[], Any] | None:
        """What the inner step is given for a closure."""
        return closure

    def _laws_after(self, param: Tensor, index: Any, told: Explanation, settings: dict[str, Any]) -> list[LawCall]:
        """What the wrapper does to the element after the inner step."""
        return []

    # ------------------------------------------------------------------------------------------------------- state

    def _state_of(self, slot: Slot) -> dict[str, Any]:
        """What the wrapper itself remembers of a parameter: nothing, until a subclass does."""
        return {}

    def _read(self, slot: Slot, entry: Mapping[str, Any]) -> Any:  # type: ignore[override]
        """What _state_of() told, checked; or raise ValueError."""
        if entry:
            raise ValueError(f"{type(self).__name__}: the state of {slot.label} has {sorted(entry)}, which are unknown")

    def _take_on(self, read: Mapping[int, Any]) -> None:
        """Remember what _read() returned, by the parameter's number, and no more."""

    @property
    def state(self) -> Mapping[Tensor, Mapping[str, Any]]:
        """What the inner optimizer remembers of each parameter, and with it what the wrapper does. Read only."""
        inner = self.optimizer.state
        merged = {slot.param: {**inner.get(slot.param, {}), **self._state_of(slot)} for slot in self._slots()}
        return MappingProxyType({
            p: MappingProxyType(entry) for p, entry in merged.items() if entry or p in inner
        })  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """{"optimizer": the inner one's, "settings": by name, "state": the wrapper's own, by parameter number}.

        Its tensors lie on the optimizers' memory and change with it; copy them, or save them by to_arrays().
        """
        own = {slot.index: self._state_of(slot) for slot in self._slots()}
        return {
            "optimizer": self.optimizer.state_dict(),
            "settings": {name: getattr(self, name) for name in self.settings},
            "state": {index: entry for index, entry in own.items() if entry},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take on the settings and a copy of the state that state_dict() returned, the inner optimizer's included.

        Raises TypeError or ValueError, and changes nothing, if they do not fit.
        """
        settings, entries = self._sections(state_dict)
        self.check(settings)
        read = {slot.index: self._read(slot, entries[slot.index]) for slot in self._slots() if slot.index in entries}
        self.optimizer.load_state_dict(state_dict["optimizer"])
        self.__dict__.update(settings)
        self._take_on(read)

    def _sections(self, state_dict: Any) -> tuple[dict[str, Any], Mapping[int, Mapping[str, Any]]]:
        """The settings and the wrapper's own entries. Raises TypeError or ValueError for what is another's."""
        title = type(self).__name__
        if not isinstance(state_dict, Mapping) or state_dict.keys() != _SECTIONS:
            found = sorted(map(str, state_dict)) if isinstance(state_dict, Mapping) else type(state_dict).__name__
            raise TypeError(
                f"{title}: a state_dict is a dict of 'optimizer', 'settings' and 'state', as state_dict() returns; got "
                f"{found}. What the inner optimizer's returned goes to .optimizer.load_state_dict()"
            )
        settings, entries = state_dict["settings"], state_dict["state"]
        if settings.keys() != set(self.settings):
            raise ValueError(
                f"{title}: the state_dict has the settings {sorted(settings)}, not {sorted(self.settings)}; is it "
                "another wrapper's?"
            )
        strangers = sorted(entries.keys() - {slot.index for slot in self._slots()})
        if strangers:
            raise ValueError(f"{title}: the state_dict has state for {strangers}, which are in none of the groups")
        return {name: checks.as_python(settings[name]) for name in self.settings}, entries

    # ------------------------------------------------------------------------------------------------------- copies

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in _NOT_COPIED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._laws, self._fitting = {}, set()

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in self.settings)
        return f"{type(self).__name__} ({settings}) around {self.optimizer!r}"
