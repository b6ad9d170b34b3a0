"""Parameters that are computed from others, each time they are read. PyTorch's torch.nn.utils.parametrize by name.

    register_parametrization(layer, "weight", Symmetric())

From then on layer.weight is Symmetric()(original), and what is learned, saved and moved is the original, under the name
parametrizations.weight.original. A parametrization is a module; its right_inverse, if it has one, says which original
gives a value, and may return several, which its forward then takes: original0, original1, ...
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Iterator

from ...gradmode import is_grad_enabled, no_grad
from ...tensor import Tensor
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "type_before_parametrizations",
]  # fmt: skip

# What has been computed inside cached(): by the list that computes it, and by whether gradients were on.
_cache: ContextVar[dict[tuple[Any, bool], Tensor] | None] = ContextVar("parametrizations", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """Within it, each computed parameter is computed once and then remembered: with cached(): y = model(x).

    For weights that one forward reads many times. A change of the originals is not seen before the end of the block, so
    take optimizer steps outside it.
    """
    if _cache.get() is not None:
        yield
        return
    token = _cache.set({})
    try:
        yield
    finally:
        _cache.reset(token)


class ParametrizationList(ModuleList):
    """The originals of one parameter, and what computes it from them, called one after the other.

    register_parametrization() makes it. is_tensor: is there one original, `original`, or `ntensors` numbered ones?
    """

    original: Any

    def __init__(self, modules: list[Module], original: Parameter) -> None:
        super().__init__(modules)
        with no_grad():
            found = _inverse_or_itself(modules[0], original)
        self.is_tensor = isinstance(found, Tensor)
        self.ntensors = 1 if self.is_tensor else len(found)
        for name, value in _named(found).items():
            self.register_parameter(name, Parameter(value.detach().clone(), original.requires_grad))

    def forward(self) -> Tensor:
        originals = [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]
        first, *rest = self
        value: Tensor = first(*originals)
        for parametrization in rest:
            value = parametrization(value)
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Make the originals those that give this value. Raises RuntimeError where a parametrization cannot tell."""
        if not isinstance(value, Tensor):
            raise TypeError(f"a computed parameter takes a Tensor, not {type(value).__name__}")
        with no_grad():
            found: Any = value
            for parametrization in reversed(list(self)):
                found = _inverse(parametrization, found)
            named = _named(found)
            places = dict(self.named_parameters(recurse=False))
            shapes, expected = ({name: t.shape for name, t in tensors.items()} for tensors in (named, places))
            if shapes != expected:
                raise ValueError(
                    f"a value of shape {value.shape} gives originals of shapes {shapes}, expected {expected}"
                )
            for name, original in named.items():
                places[name].copy_(original)

    def _keep_object(self, original: Parameter) -> None:
        """Have a lone original be the parameter that was there before, so that optimizers go on learning it."""
        if self.is_tensor:
            _overwrite(original, self.original)
            self.original = original


def _overwrite(place: Parameter, value: Tensor) -> None:
    with no_grad():
        if value.shape == place.shape:
            place.copy_(value)
        else:
            place.set_array(value.array)


def _inverse(parametrization: Module, value: Tensor) -> Any:
    if not hasattr(parametrization, "right_inverse"):
        raise RuntimeError(
            f"{type(parametrization).__name__} has no right_inverse, so it cannot be told which original gives a value"
        )
    return parametrization.right_inverse(value)


def _inverse_or_itself(parametrization: Module, value: Tensor) -> Any:
    """What to begin with: the right inverse of the value, or where there is none the value itself."""
    if not hasattr(parametrization, "right_inverse"):
        return value
    found = parametrization.right_inverse(value)
    if isinstance(found, Tensor) and found.dtype != value.dtype:
        raise ValueError(f"right_inverse made {found.dtype} of {value.dtype}; one original keeps its dtype")
    return found


def _named(originals: Any) -> dict[str, Tensor]:
    if isinstance(originals, Tensor):
        return {"original": originals}
    if not isinstance(originals, (tuple, list)) or not all(isinstance(t, Tensor) for t in originals):
        raise ValueError(f"right_inverse must return a Tensor or a tuple of them, not {type(originals).__name__}")
    return {f"original{i}": original for i, original in enumerate(originals)}


def register_parametrization(module: Module, tensor_name: str, parametrization: Module) -> Module:
    """Have a parameter of `module` computed by `parametrization`, after those that it has already; returns the module.

    A lone original is the very parameter that was there; several are new ones, of which an optimizer has to be told.
    Unlike in PyTorch buffers cannot be computed, and there is no `unsafe`: what is computed keeps its shape and dtype.
    Raises ValueError where there is no such parameter or that does not hold, and changes nothing then.
    """
    if not isinstance(parametrization, Module):
        raise TypeError(f"a parametrization is a Module, not {type(parametrization).__name__}")
    if is_parametrized(module, tensor_name):
        listed = module.parametrizations[tensor_name]
        value = listed()
        _check_result(parametrization(value), value, tensor_name)
        listed.append(parametrization)
        _forget(listed)
        return module
    original = module.__dict__.get(tensor_name)
    if tensor_name not in module._parameter_names or original is None:
        raise ValueError(f"{type(module).__name__} has no parameter {tensor_name!r} to parametrize")
    listed = ParametrizationList([parametrization], original)
    _check_result(listed(), original, tensor_name)
    listed._keep_object(original)
    module._forget(tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = listed
    _set_class(module)
    return module


def _check_result(result: Any, value: Tensor, name: str) -> None:
    if not isinstance(result, Tensor) or result.shape != value.shape or result.dtype != value.dtype:
        is_tensor = isinstance(result, Tensor)
        found = f"shape {result.shape} and dtype {result.dtype}" if is_tensor else type(result).__name__
        raise ValueError(
            f"the parametrization of {name!r} must give shape {value.shape} and dtype {value.dtype}, not {found}"
        )


def _set_class(module: Module) -> None:
    """Give the module a class on which its computed parameters are properties, or its own one back if it has none.

    A class made here never changes, for deep copies of the module share it.
    """
    plain = type_before_parametrizations(module)
    held = module.__dict__.get("parametrizations", ())
    if not len(held):
        module.__class__ = plain
        return
    body: dict[str, Any] = {name: _computed(name) for name in held}
    body |= {"__module__": plain.__module__, "_before_parametrizations": plain}
    module.__class__ = type(f"Parametrized{plain.__name__}", (plain,), body)


def _computed(name: str) -> property:
    def read(module: Module) -> Tensor:
        listed = module.parametrizations[name]
        known = _cache.get()
        if known is None:
            value: Tensor = listed()
            return value
        key = listed, is_grad_enabled()
        if key not in known:
            known[key] = listed()
        return known[key]

    def write(module: Module, value: Tensor) -> None:
        listed = module.parametrizations[name]
        listed.right_inverse(value)
        _forget(listed)

    return property(read, write)


def _forget(listed: ParametrizationList) -> None:
    known = _cache.get()
    if known is not None:
        known.pop((listed, True), None)
        known.pop((listed, False), None)


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had before its parameters were computed."""
    return getattr(module, "_before_parametrizations", type(module))


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Is this parameter of the module, or any without a name, computed?"""
    held = module.__dict__.get("parametrizations")
    if not isinstance(held, ModuleDict):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make it a parameter of its own again: of its present value, or of the original; returns the module.

    A lone original is the parameter that stays. Raises ValueError where it is none that is computed, or for
    leave_parametrized=False with several originals.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{type(module).__name__} has no parametrization of {tensor_name!r}")
    listed = module.parametrizations[tensor_name]
    if not leave_parametrized and not listed.is_tensor:
        raise ValueError(f"{tensor_name!r} is computed from {listed.ntensors} tensors: there is no lone one to leave")
    with no_grad():
        value = listed()
    if not listed.is_tensor:
        learned = any(p.requires_grad for p in listed.parameters(recurse=False))
        parameter = Parameter(value.detach().clone(), learned)
    else:
        parameter = listed.original
        if leave_parametrized:
            _overwrite(parameter, value)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module.parametrizations
    _set_class(module)
    module.register_parameter(tensor_name, parameter)
    return module
