"""Hooks before and after an optimizer's step."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable

from ..tensor import Removable


class StepHooks:
    """An optimizer's share in hooks: registering them, and running them around step(), whichever class defines it."""

    has_stepped = False  # has step() been through at least once? Schedulers ask
    _stepping = False
    _pre_hooks: dict[int, Callable[..., Any]] | None = None  # an optimizer gets dicts of its own with its first hook
    _post_hooks: dict[int, Callable[..., Any]] | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.step)  # type: ignore[attr-defined]

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """Run hook(optimizer, args, kwargs) before each step; it may return other (args, kwargs) for the step.

        Copies and pickles of the optimizer have no hooks. Raises TypeError for what cannot be called.
        """
        return self._register("_pre_hooks", hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> Removable:
        """Run hook(optimizer, args, kwargs) after each step that did not fail; the result is not looked at.

        Copies and pickles of the optimizer have no hooks. Raises TypeError for what cannot be called.
        """
        return self._register("_post_hooks", hook)

    def _register(self, kind: str, hook: Callable[..., Any]) -> Removable:
        if not callable(hook):
            raise TypeError(f"{type(self).__name__}: a hook is a function of (optimizer, args, kwargs), not {hook!r}")
        return Removable(self.__dict__.setdefault(kind, {}), hook)


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step with the optimizer's hooks around it: once, also where a step calls that of its parent class."""

    @wraps(step)
    def hooked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._stepping:
            return step(self, *args, **kwargs)
        self._stepping = True
        try:
            if self._pre_hooks:
                for hook in list(self._pre_hooks.values()):
                    args, kwargs = _arguments(hook, hook(self, args, kwargs), args, kwargs)
            result = step(self, *args, **kwargs)
            self.has_stepped = True
            if self._post_hooks:
                for hook in list(self._post_hooks.values()):
                    hook(self, args, kwargs)
            return result
        finally:
            self._stepping = False

    return hooked


def _arguments(hook: Any, returned: Any, args: Any, kwargs: Any) -> Any:
    if returned is None:
        return args, kwargs
    if isinstance(returned, tuple) and len(returned) == 2:
        return returned
    raise TypeError(f"a hook before a step must return None or (args, kwargs); {hook!r} returned {returned!r}")
