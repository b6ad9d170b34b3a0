"""Modules that hold modules."""

from __future__ import annotations

import operator
from typing import Any, Iterable, Iterator, Mapping, overload

from .module import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules called one after the other, each on the result of the one before.

    Sequential(a, b) names them "0" and "1"; Sequential({"first": a, "second": b}) takes the names given. An index gives
    one module, a slice another Sequential of the same modules under the same names.
    Raises IndexError for an index out of range, TypeError for what is not a Module.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def forward(self, input: Any) -> Any:
        held = self.__dict__
        for name in self._child_names:
            module = held[name]
            # __call__ does no more than this where there are no hooks, and costs a quarter of a small layer
            plain = module._hooks is None and module.__class__.__call__ is Module.__call__
            input = module.forward(input) if plain else module(input)
        return input

    def __len__(self) -> int:
        return len(self._child_names)

    def __iter__(self) -> Iterator[Any]:
        return (self.__dict__[name] for name in list(self._child_names))

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)({name: self.__dict__[name] for name in list(self._child_names)[index]})
        return self.__dict__[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._child_names)[index] if isinstance(index, slice) else [self._name_at(index)]
        keep = [self.__dict__[name] for name in self._child_names if name not in names]
        self._hold(keep)

    def append(self, module: Module) -> Sequential:
        """Add a module at the end; returns this Sequential."""
        return self.extend([module])

    def extend(self, sequential: Iterable[Module]) -> Sequential:
        """Add modules at the end; returns this Sequential."""
        for module in self._checked(sequential):
            self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Sequential:
        """Put a module before the one at `index`, and number all anew; returns this Sequential."""
        (module,) = self._checked([module])
        if not -len(self) <= operator.index(index) <= len(self):
            raise IndexError(f"index {index} is out of range for a Sequential of {len(self)} modules")
        modules = list(self)
        modules.insert(index, module)
        self._hold(modules)
        return self

    def pop(self, index: int | slice) -> Any:
        """Take out the module at `index`, and number the rest anew; returns it."""
        taken = self[index]
        del self[index]
        return taken

    def _checked(self, modules: Iterable[Any]) -> list[Module]:
        modules = list(modules)
        for module in modules:
            if not isinstance(module, Module):
                raise TypeError(f"{type(self).__name__} takes Modules, not {type(module).__name__}")
        return modules

    def _hold(self, modules: list[Module]) -> None:
        for name in list(self._child_names):
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def _name_at(self, index: int) -> str:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"index {index} is out of range for a Sequential of {len(self)} modules")
        return list(self._child_names)[i]
