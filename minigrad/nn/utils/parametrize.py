"""Parameters that are computed from others, each time they are read. PyTorch's torch.nn.utils.parametrize by name.

    register_parametrization(layer, "weight", Symmetric())

From then on layer.weight is Symmetric()(original), and what is learned, saved and moved is the original, under the name
parametrizations.weight.original. A parametrization is a module; its right_inverse, if it has one, says which original
gives a value, and may return several, which its forward then takes: original0, original1, ...
"""

from __future__ import annotations

from typing import Any

from ...gradmode import no_grad
from ...tensor import Tensor
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = ["ParametrizationList", "is_parametrized", "register_parametrization", "remove_parametrizations"]


class ParametrizationList(ModuleList):
    """The originals of one parameter, and what computes it from them, called one after the other."""

    def __init__(self, modules: list[Module], value: Tensor) -> None:
        super().__init__(modules)
        originals = _original_of(modules[0], value)
        self.ntensors = len(originals) if isinstance(originals, tuple) else 0
        named = _named(originals)
        for name, original in named.items():
            self.register_parameter(name, Parameter(original.detach().clone(), value.requires_grad))

    def forward(self) -> Tensor:
        originals = [getattr(self, f"original{i}") for i in range(self.ntensors)] or [self.original]
        first, *rest = self
        value: Tensor = first(*originals)
        for parametrization in rest:
            value = parametrization(value)
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Make the originals those that give this value. Raises RuntimeError where a parametrization cannot tell."""
        with no_grad():
            for parametrization in reversed(list(self)):
                value = _inverse(parametrization)(value)
            named = _named(value)
            for name, original in named.items():
                if original.shape != getattr(self, name).shape:
                    shape = getattr(self, name).shape
                    raise ValueError(f"{name} has shape {shape}, but the value gives {original.shape}")
            for name, original in named.items():
                getattr(self, name).copy_(original)


def _inverse(parametrization: Module) -> Any:
    if not hasattr(type(parametrization), "right_inverse"):
        raise RuntimeError(
            f"{type(parametrization).__name__} has no right_inverse, so it cannot be told which original gives a value"
        )
    return parametrization.right_inverse  # type: ignore[attr-defined]


def _original_of(parametrization: Module, value: Tensor) -> Any:
    """What to begin with: the right inverse of the value, or where there is none the value itself."""
    if not hasattr(type(parametrization), "right_inverse"):
        return value
    with no_grad():
        return parametrization.right_inverse(value)  # type: ignore[attr-defined]


def _named(originals: Any) -> dict[str, Tensor]:
    if isinstance(originals, tuple):
        return {f"original{i}": original for i, original in enumerate(originals)}
    return {"original": originals}


def register_parametrization(module: Module, tensor_name: str, parametrization: Module) -> Module:
    """Have a parameter of `module` computed by `parametrization`, after those that it has already; returns the module.

    Raises ValueError where there is no such parameter, or what is computed has another shape or dtype.
    """
    if is_parametrized(module, tensor_name):
        listed = module.parametrizations[tensor_name]
        _check_result(parametrization(getattr(module, tensor_name)), getattr(module, tensor_name), tensor_name)
        listed.append(parametrization)
        return module
    value = module.__dict__.get(tensor_name)
    if tensor_name not in module._parameter_names or value is None:
        raise ValueError(f"{type(module).__name__} has no parameter {tensor_name!r} to parametrize")
    computed = ParametrizationList([parametrization], value)
    _check_result(computed(), value, tensor_name)
    module._forget(tensor_name)
    if not is_parametrized(module):
        module.__class__ = _parametrized(type(module))
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _computed(tensor_name))
    module.parametrizations[tensor_name] = computed
    return module


def _check_result(result: Any, value: Tensor, name: str) -> None:
    if not isinstance(result, Tensor) or result.shape != value.shape or result.dtype != value.dtype:
        is_tensor = isinstance(result, Tensor)
        found = f"shape {result.shape} and dtype {result.dtype}" if is_tensor else type(result).__name__
        raise ValueError(
            f"the parametrization of {name!r} must give shape {value.shape} and dtype {value.dtype}, not {found}"
        )


def _parametrized(kind: type) -> type:
    """A subclass of its own for one module, on which its parameters are properties."""
    return type(f"Parametrized{kind.__name__}", (kind,), {"__module__": kind.__module__})


def _computed(name: str) -> property:
    def read(module: Module) -> Tensor:
        value: Tensor = module.parametrizations[name]()
        return value

    def write(module: Module, value: Tensor) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(read, write)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Is this parameter of the module, or any without a name, computed?"""
    held = module.__dict__.get("parametrizations")
    if not isinstance(held, ModuleDict):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make it a parameter of its own again: of its present value, or of the original; returns the module.

    Raises ValueError where it is none that is computed, or for leave_parametrized=False with several originals.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{type(module).__name__} has no parametrization of {tensor_name!r}")
    listed = module.parametrizations[tensor_name]
    if leave_parametrized:
        with no_grad():
            value = Parameter(listed().detach().clone())
    elif listed.ntensors:
        count = listed.ntensors
        raise ValueError(f"{tensor_name!r} is computed from {count} tensors: there is no one original to leave")
    else:
        value = listed.original
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    module.register_parameter(tensor_name, value)
    return module
