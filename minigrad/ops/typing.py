"""The names of types that ops are written with."""

from __future__ import annotations

from typing import Any, Callable, Protocol, Sequence, TypeVar, Union, overload

Number = Union[int, float]
Operand = Any  # a Tensor, an array or a number
Dims = Union[int, Sequence[int], None]
T = TypeVar("T")  # a Tensor in, a Tensor out; a raw array in, a raw array out


class Unary(Protocol):
    """A row of one argument: a plain function, so in a class body it binds as a method."""

    def __call__(self, input: T, /) -> T: ...

    @overload
    def __get__(self, instance: None, owner: type, /) -> Unary: ...
    @overload
    def __get__(self, instance: T, owner: type, /) -> Callable[[], T]: ...


class Binary(Protocol):
    """A row of two arguments, the second of which may be a number."""

    def __call__(self, input: T, other: Operand, /) -> T: ...

    @overload
    def __get__(self, instance: None, owner: type, /) -> Binary: ...
    @overload
    def __get__(self, instance: T, owner: type, /) -> Callable[[Operand], T]: ...


class InPlace(Protocol):
    """The form of an op that overwrites its first argument, and returns it."""

    def __call__(self, tensor: T, /, *args: Any, **options: Any) -> T: ...

    @overload
    def __get__(self, instance: None, owner: type, /) -> InPlace: ...
    @overload
    def __get__(self, instance: T, owner: type, /) -> Callable[..., T]: ...
