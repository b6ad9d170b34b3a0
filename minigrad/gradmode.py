"""Are ops recorded? Grad mode, for the current thread, and debug()."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .backend import checks

F = TypeVar("F", bound=Callable[..., Any])
_IS_GENERATOR = 0x20  # inspect.CO_GENERATOR; the module inspect is slow to import

CHECKED = "checked"  # recording as ever, and under debug()
_recording: ContextVar[Any] = ContextVar("recording", default=True)  # a new thread starts with gradients on
current_mode = _recording.get  # False, True, or CHECKED


def is_grad_enabled() -> bool:
    """Are ops on tensors that require gradients being recorded, in this thread?"""
    return bool(current_mode())


class set_grad_enabled:
    """Record ops for backward, or not: as a call, a context manager or a decorator, for the current thread."""

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._before = _recording.get()
        _recording.set(_in_force(self.mode))

    def __enter__(self) -> None:
        _recording.set(_in_force(self.mode))

    def __exit__(self, *_: object) -> None:
        _recording.set(self._before)

    def __call__(self, function: F) -> F:
        _recording.set(self._before)  # as a decorator it acts inside the calls only
        return _with_mode(function, self.mode)


class _Mode:
    """no_grad and enable_grad: reusable and reentrant, so one object may decorate a recursive function."""

    mode: bool
    _before: list[Any]

    if TYPE_CHECKING:

        def __init__(self) -> None: ...

    else:

        def __new__(cls, function=None):
            self = object.__new__(cls)
            self._before = []
            return self if function is None else self(function)  # @no_grad as well as @no_grad()

    def __enter__(self) -> None:
        self._before.append(_recording.get())
        _recording.set(_in_force(self.mode))

    def __exit__(self, *_: object) -> None:
        _recording.set(self._before.pop())

    def __call__(self, function: F) -> F:
        return _with_mode(function, self.mode)


class no_grad(_Mode):
    """Inside, ops leave no nodes: results have requires_grad=False. A context manager and a decorator."""

    mode = False


class enable_grad(_Mode):
    """Inside, ops are recorded again, also within no_grad. A context manager and a decorator."""

    mode = True


class debug:
    """Inside, the recorded op or the vjp that gives birth to a NaN raises FloatingPointError, naming itself; and what a
    GPU would report at the next synchronisation, such as a label out of range, is raised at once.

    A context manager; slow. Ops that are not recorded (no input requires gradients, or no_grad()) are not looked at.
    """

    def __init__(self) -> None:
        self._before: list[tuple[Any, bool]] = []

    def __enter__(self) -> None:
        self._before.append((current_mode(), checks.at_once.value))
        checks.at_once.value = True
        _recording.set(_in_force(bool(current_mode())))

    def __exit__(self, *_: object) -> None:
        mode, checks.at_once.value = self._before.pop()
        _recording.set(mode)


def _in_force(mode: bool) -> Any:
    """A mode as the context variable holds it: under debug(), recording is CHECKED."""
    return CHECKED if mode and checks.at_once.value else mode


def _with_mode(function: F, mode: bool) -> F:
    if not callable(function):
        raise TypeError(f"a grad mode decorates a function, not {function!r}; for a block, write `with no_grad():`")
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & _IS_GENERATOR:
        return _generator_with_mode(function, mode)  # type: ignore[return-value]

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        before = _recording.get()
        _recording.set(_in_force(mode))
        try:
            return function(*args, **kwargs)
        finally:
            _recording.set(before)

    return wrapped  # type: ignore[return-value]


def _generator_with_mode(function: Callable, mode: bool) -> Callable:
    """The mode holds while the generator runs, and not for its caller while it waits."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, given = generator.send, None
        try:
            while True:
                before = _recording.get()
                _recording.set(_in_force(mode))
                try:
                    item = resume(given)
                except StopIteration as end:
                    return end.value
                finally:
                    _recording.set(before)
                try:
                    resume, given = generator.send, (yield item)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    resume, given = generator.throw, error
        finally:
            generator.close()

    return wrapped
