"""Modules that hold modules or parameters."""

from __future__ import annotations

import operator
from collections import OrderedDict
from itertools import groupby
from typing import Any, ItemsView, Iterable, Iterator, KeysView, Mapping, TypeVar, ValuesView, overload

from ..tensor import Tensor
from .module import Module
from .parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]

N = TypeVar("N", bound="_Numbered")
P = TypeVar("P", bound="ParameterDict")


# -------------------------------------------------------------------------------------------------- modules in a row


class _Numbered(Module):
    """Modules in a row, named by their numbers: what Sequential and ModuleList share.

    Raises IndexError for an index out of range, TypeError for what is not a Module; then nothing is changed.
    """

    def __len__(self) -> int:
        return len(self._child_names)

    def __iter__(self) -> Iterator[Any]:
        return (self.__dict__[name] for name in list(self._child_names))

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self: N, index: slice) -> N: ...
    def __getitem__(self, index: Any) -> Any:
        return self._part(index) if isinstance(index, slice) else self.__dict__[self._name_at(index)]

    def _part(self, places: slice) -> Any:
        """What a slice stands for."""
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._child_names)[index] if isinstance(index, slice) else [self._name_at(index)]
        keep = [self.__dict__[name] for name in self._child_names if name not in names]
        self._hold(keep)

    def __iadd__(self: N, modules: Iterable[Module]) -> N:
        return self.extend(modules)

    def append(self: N, module: Module) -> N:
        """Add a module at the end; returns this object."""
        return self.extend([module])

    def extend(self: N, modules: Iterable[Module]) -> N:
        """Add modules at the end; returns this object."""
        for module in self._checked(modules):
            self.add_module(str(len(self)), module)
        return self

    def insert(self: N, index: int, module: Module) -> N:
        """Put a module before the one at `index`, and number all anew; returns this object."""
        (module,) = self._checked([module])
        if not -len(self) <= operator.index(index) <= len(self):
            raise self._out_of_range(index)
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
            raise self._out_of_range(index)
        return list(self._child_names)[i]

    def _out_of_range(self, index: int) -> IndexError:
        return IndexError(f"index {index} is out of range for a {type(self).__name__} of {len(self)} modules")


class Sequential(_Numbered):
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

    def _part(self, places: slice) -> Sequential:
        return type(self)({name: self.__dict__[name] for name in list(self._child_names)[places]})


class ModuleList(_Numbered):
    """A list of modules, for a forward of one's own to call: it has none itself.

    An index gives one module, a slice another ModuleList, numbered from 0.
    Raises IndexError for an index out of range, TypeError for what is not a Module.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, places: slice) -> ModuleList:
        return type(self)(list(self)[places])

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """Equal neighbours are shown once, with their number."""
        lines, i = [], 0
        for text, run in groupby(map(repr, self)):
            n = len(list(run))
            named = f"({i}): {text}" if n == 1 else f"({i}-{i + n - 1}): {n} x {text}"
            lines.append("\n  " + named.replace("\n", "\n  "))
            i += n
        return f"{self._get_name()}({''.join(lines)}" + ("\n)" if lines else ")")


# -------------------------------------------------------------------------------------------------- modules by name


def _pairs(items: Any, name: str) -> list[tuple[str, Any]]:
    """The (key, value) of a mapping or of an iterable of pairs. Raises TypeError or ValueError for anything else."""
    if hasattr(items, "items"):
        return list(items.items())
    if not isinstance(items, Iterable):
        raise TypeError(f"{name}: update takes a mapping or pairs of a key and a value, not {type(items).__name__}")
    pairs = [tuple(pair) if isinstance(pair, (tuple, list)) else pair for pair in items]
    for i, pair in enumerate(pairs):
        if not isinstance(pair, tuple):
            raise TypeError(f"{name}: update takes pairs of a key and a value; element {i} is a {type(pair).__name__}")
        if len(pair) != 2:
            raise ValueError(f"{name}: update takes pairs of a key and a value; element {i} has length {len(pair)}")
    return pairs


class _Keyed(Module):
    """Values under names of their own, in the order in which they came: what ModuleDict and ParameterDict share.

    What cannot be added raises, and then nothing is.
    """

    def _names(self) -> dict[str, Any]:
        """A dictionary whose keys are the names."""
        raise NotImplementedError

    def _checked(self, key: str, value: Any) -> Any:
        """The value as it is to be kept under `key`. Raises KeyError or TypeError if it cannot be."""
        raise NotImplementedError

    def _put(self, key: str, value: Any) -> None:
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        if key not in self._names():
            raise KeyError(key)
        return self.__dict__[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, self._checked(key, value))

    def __delitem__(self, key: str) -> None:
        if key not in self._names():
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __contains__(self, key: object) -> bool:
        return key in self._names()

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._names().keys()

    def values(self) -> ValuesView[Any]:
        """What is held, in order."""
        return {name: self.__dict__[name] for name in self._names()}.values()

    def items(self) -> ItemsView[str, Any]:
        """(name, value) of what is held, in order."""
        return {name: self.__dict__[name] for name in self._names()}.items()

    def update(self, items: Any) -> None:
        """Add the values of a mapping or of pairs; names that are taken get the new value."""
        checked = [(key, self._checked(key, value)) for key, value in _pairs(items, type(self).__name__)]
        for key, value in checked:
            self._put(key, value)

    def pop(self, key: str) -> Any:
        """Take out what is under `key`; returns it. Raises KeyError if nothing is."""
        taken = self[key]
        del self[key]
        return taken

    def clear(self) -> None:
        """Take out everything."""
        for key in list(self):
            del self[key]


class ModuleDict(_Keyed):
    """A dictionary of modules, for a forward of one's own to call: it has none itself.

    Raises KeyError for a name that is not there, or that cannot name a module; TypeError for what is not a Module.
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def _names(self) -> dict[str, Any]:
        return self._child_names

    def _checked(self, key: str, module: Any) -> Any:
        self._check_name(key, "module", self._child_names)
        if not isinstance(module, Module):
            raise TypeError(f"ModuleDict takes Modules, not {type(module).__name__} (under {key!r})")
        return module

    def _put(self, key: str, module: Module) -> None:
        self.add_module(key, module)


# ------------------------------------------------------------------------------------------------------- parameters


def _as_parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _described(key: Any, value: Any) -> str:
    """A line of repr() for what is held under `key`."""
    if not isinstance(value, Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    size = "x".join(map(str, value.shape))
    place = f" ({value.device})" if value.is_cuda else ""
    return f"  ({key}): Parameter containing: [{value.dtype} of size {size}{place}]"


class ParameterList(Module):
    """A list of parameters, which a module that holds it learns. Tensors become Parameters; other objects are kept.

    An index gives one, a slice another ParameterList. Raises IndexError for an index out of range.
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self.__dict__[self._name_at(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name_at(index), _as_parameter(value))

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def append(self, value: Any) -> ParameterList:
        """Add a value at the end; returns this object."""
        setattr(self, str(self._size), _as_parameter(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add values at the end; returns this object. Raises TypeError for a Tensor, whose rows were hardly meant."""
        if isinstance(values, Tensor) or not isinstance(values, Iterable):
            raise TypeError(f"ParameterList: extend takes a list of values, not a {type(values).__name__}")
        for value in [_as_parameter(value) for value in values]:
            self.append(value)
        return self

    def _name_at(self, index: int) -> str:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"index {index} is out of range for a ParameterList of {len(self)} values")
        return str(i % len(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a ParameterList cannot be called; call the module that holds it")

    def extra_repr(self) -> str:
        return "\n".join(_described(i, value) for i, value in enumerate(self))


class ParameterDict(_Keyed):
    """A dictionary of parameters, which a module that holds it learns. Tensors become Parameters; others are kept.

    As in PyTorch the keys of a plain dict are added in sorted order; those of an OrderedDict, of a ParameterDict and of
    pairs in their own. Raises KeyError for a name that is not there, or that cannot name a parameter.
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _names(self) -> dict[str, Any]:
        return self._keys

    def _checked(self, key: str, value: Any) -> Any:
        self._check_name(key, "parameter", self._keys)
        return _as_parameter(value)

    def _put(self, key: str, value: Any) -> None:
        setattr(self, key, value)
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self._keys[key]

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def update(self, items: Any) -> None:
        """Add the values of a mapping or of pairs; keys that are there get the new value."""
        plain = isinstance(items, Mapping) and not isinstance(items, OrderedDict)
        super().update(sorted(items.items(), key=operator.itemgetter(0)) if plain else items)

    def copy(self: P) -> P:
        """Another ParameterDict of the same parameters."""
        return type(self)(list(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """What is under `key`; `default`, which is put there, if nothing is."""
        if key not in self:
            self[key] = default
        return self[key]

    def popitem(self) -> tuple[str, Any]:
        """Take out the last key with its value; returns both. Raises KeyError if there is none."""
        if not self._keys:
            raise KeyError("popitem: the ParameterDict is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """What is under `key`; `default` if nothing is."""
        return self[key] if key in self else default

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new ParameterDict with `default` under each key."""
        return ParameterDict([(key, default) for key in keys])

    def __or__(self, other: ParameterDict) -> ParameterDict:
        joined = self.copy()
        joined.update(other)
        return joined

    def __ror__(self, other: Any) -> ParameterDict:
        joined = other.copy()
        joined.update(self)
        return joined

    def __ior__(self, other: Any) -> ParameterDict:
        self.update(other)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a ParameterDict cannot be called; call the module that holds it")

    def extra_repr(self) -> str:
        return "\n".join(_described(key, value) for key, value in self.items())
