"""Module: parameters, buffers and other modules under names, and a forward."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, NamedTuple, TypeVar

from ..gradmode import no_grad
from ..backend import Device, dtypes, is_array, resolve
from ..tensor import Removable, Tensor
from ..values import array_from
from .hooks import Hooks, call_with_hooks, register
from .parameter import Parameter

__all__ = ["Activation", "Layer", "Module"]

M = TypeVar("M", bound="Module")


class IncompatibleKeys(NamedTuple):
    """What load_state_dict found missing in the given state, and what it had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module:
    """Base class of all that has parameters: assign Parameters and Modules to attributes, and define forward().

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden = nn.Linear(64, 32)
            def forward(self, x):
                return self.hidden(x).tanh()

    Parameters, buffers and children are ordinary attributes, so reading one costs what reading any attribute does; the
    module only remembers, in order, which names they have.
    """

    training: bool = True
    _hooks: Hooks | None = None

    def __init__(self) -> None:
        put = self.__dict__
        put["training"] = True
        put["_parameter_names"] = {}  # dictionaries for their order; the values matter for buffers only
        put["_buffer_names"] = {}  # name: is it part of the state_dict?
        put["_child_names"] = {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define one")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, self._hooks, args, kwargs)

    # ------------------------------------------------------------------------------------------------ registration

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make `param` a parameter of this module under `name`; None keeps the name's place without one.

        Raises KeyError for a name that is taken or cannot be one, TypeError for what is not a Parameter.
        """
        self._check_name(name, "parameter", self._registry("_parameter_names"))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"parameter {name!r} takes a Parameter or None, not {type(param).__name__}")
        self._keep(name, param, "_parameter_names")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep `tensor` under `name` as state that is not learned: it moves with to(), and is saved if `persistent`.

        Raises KeyError for a name that is taken or cannot be one, TypeError for what is not a Tensor.
        """
        self._check_name(name, "buffer", self._registry("_buffer_names"))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"buffer {name!r} must be a Tensor or None, not {type(tensor).__name__}")
        self._keep(name, tensor, "_buffer_names", persistent)

    def register_module(self, name: str, module: Module | None) -> None:
        """Make `module` a child of this one under `name`.

        Raises KeyError for a name that is taken or cannot be one, TypeError for what is not a Module.
        """
        self._check_name(name, "module", self._registry("_child_names"))
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"module {name!r} must be a Module or None, not {type(module).__name__}")
        self._keep(name, module, "_child_names")

    add_module = register_module

    def _registry(self, kind: str) -> dict[str, Any]:
        try:
            return self.__dict__[kind]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__}.__init__() must call super().__init__() before it assigns parameters or modules"
            ) from None

    def _check_name(self, name: str, what: str, registry: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a {what} must be a string, not {name!r}")
        if not name or "." in name:
            raise KeyError(f"{name!r} cannot name a {what}: names are not empty and have no dot in them")
        if name not in registry and hasattr(self, name):
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already; give the {what} another name")

    def _keep(self, name: str, value: Any, kind: str, persistent: bool = True) -> None:
        self._registry(kind)[name] = persistent
        self.__dict__[name] = value

    def _assign(self, name: str, value: Any, what: str, kind: str) -> None:
        """Register, in place of whatever the name stood for in this instance."""
        if name not in self._registry(kind):
            if hasattr(type(self), name):
                raise KeyError(f"{type(self).__name__} defines {name!r} itself; give the {what} another name")
            self._forget(name)
        self._keep(name, value, kind)

    def _forget(self, name: str) -> None:
        self.__dict__.pop(name, None)
        for kind in ("_parameter_names", "_buffer_names", "_child_names"):
            self._registry(kind).pop(name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__
        if isinstance(value, Parameter):
            self._assign(name, value, "parameter", "_parameter_names")
        elif isinstance(value, Module):
            self._assign(name, value, "module", "_child_names")
        elif "_child_names" not in held:
            object.__setattr__(self, name, value)
        elif name in held["_parameter_names"] or name in held["_child_names"]:
            if value is not None:
                what, needed = ("parameter", "Parameter") if name in held["_parameter_names"] else ("module", "Module")
                raise TypeError(f"{what} {name!r} takes a {needed} or None, not {type(value).__name__}")
            held[name] = None
        elif name in held["_buffer_names"]:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"buffer {name!r} takes a Tensor or None, not {type(value).__name__}")
            held[name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if "_child_names" in self.__dict__:
            self._forget(name)

    def __getattr__(self, name: str) -> Any:
        """Only for what was not found."""
        hint = "" if "_child_names" in self.__dict__ else "; its __init__() did not call super().__init__()"
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    # ----------------------------------------------------------------------------------------- parameters and children

    def _own(self, kind: str) -> Iterator[tuple[str, Any]]:
        held = self.__dict__
        return ((name, held[name]) for name in self._registry(kind) if held[name] is not None)

    def _named(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in module._own(kind):
                if remove_duplicate:
                    if id(value) in seen:
                        continue
                    seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) of this module and, if `recurse`, of those inside it; a shared one once."""
        return self._named("_parameter_names", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and, if `recurse`, of those inside it; a shared one once."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(name, buffer) of this module and, if `recurse`, of those inside it; a shared one once."""
        return self._named("_buffer_names", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and, if `recurse`, of those inside it; a shared one once."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of those directly inside this one; a shared one once."""
        seen: set[int] = set()
        for name, child in self._own("_child_names"):
            if id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one; a shared one once."""
        return (child for _, child in self.named_children())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """(path, module) of this module (its path is the prefix) and of all inside it; a shared one once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._own("_child_names"):
            yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all inside it; a shared one once."""
        return (module for _, module in self.named_modules())

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; the empty path is this one. Raises AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else ():
            if module.__dict__.get(name) is None or name not in module._child_names:
                raise AttributeError(f"{type(module).__name__} has no module {name!r} (looking for {target!r})")
            module = module.__dict__[name]
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path. Raises AttributeError if there is none."""
        return self._at(target, "_parameter_names", "parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path. Raises AttributeError if there is none."""
        return self._at(target, "_buffer_names", "buffer")

    def _at(self, target: str, kind: str, what: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._registry(kind):
            raise AttributeError(f"{type(module).__name__} has no {what} {name!r} (looking for {target!r})")
        return module.__dict__[name]

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call fn on every module inside this one, then on this one itself."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ------------------------------------------------------------------------------------------------- state as a dict

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by path: detached tensors on the same memory (with keep_vars, themselves).

        np.savez(file, **{k: v.numpy() for k, v in module.state_dict().items()}) writes them to a file.
        """
        state: dict[str, Any] = OrderedDict() if destination is None else destination
        saved = [*self._own("_parameter_names"), *(b for b in self._own("_buffer_names") if self._buffer_names[b[0]])]
        for name, value in saved:
            state[prefix + name] = value if keep_vars else value.detach()
        for name, child in self._own("_child_names"):
            child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy values (Tensors or NumPy arrays) into the parameters and persistent buffers of the same paths.

        Values are cast and moved to the dtype and device at hand, and written into the same memory. Raises RuntimeError
        that names every key at fault: of the wrong shape, not an array, or, if `strict`, missing or unexpected. Then
        nothing is loaded. Returns the lists of missing and of unexpected keys.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict takes a mapping of names to tensors, not {type(state_dict).__name__}")
        places = self.state_dict(keep_vars=True)
        missing = [key for key in places if key not in state_dict]
        unexpected = [key for key in state_dict if key not in places]
        values = {key: state_dict[key] for key in places if key in state_dict}
        faults = [fault for key, value in values.items() if (fault := _misfit(key, value, places[key]))]
        if strict and missing:
            faults.insert(0, "missing: " + ", ".join(map(repr, missing)))
        if strict and unexpected:
            faults.insert(0, "unexpected: " + ", ".join(map(repr, unexpected)))
        if faults:
            listed = "".join(f"\n    {fault}" for fault in faults)
            raise RuntimeError(f"load_state_dict for {type(self).__name__}, nothing was loaded:{listed}")
        with no_grad():
            for key, value in values.items():
                place = places[key]
                place.copy_(Tensor.of(array_from(value, place.dtype, place.device, copy=False)))
        return IncompatibleKeys(missing, unexpected)

    # ---------------------------------------------------------------------------------------- modes, dtypes and devices

    def train(self: M, mode: bool = True) -> M:
        """Put this module and all inside it in training mode, or in evaluation mode."""
        if not isinstance(mode, bool):
            raise ValueError(f"train() takes True or False, not {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Put this module and all inside it in evaluation mode."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Have every parameter gather gradients, or stop it."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; without set_to_none those that have one get zeros in its place."""
        for p in self.parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else p.grad.new_zeros(*p.shape)

    def to(self: M, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> M:
        """Cast floating-point parameters and buffers, and move all: to(dtype), to(device), to(tensor), or both by name.

        Each parameter stays the object it was, and its gradient goes along. Raises TypeError for a dtype that is not
        floating point, RuntimeError for a device that is not there; then nothing was changed.
        """
        for arg in args:
            if isinstance(arg, Tensor):
                dtype, device = arg.dtype, arg.device
            elif isinstance(arg, Device) or isinstance(arg, str) and not _names_dtype(arg):
                device = arg
            elif arg is not None:
                dtype = arg
        if dtype is not None:
            dtype = dtypes.float64 if dtype is float else dtypes.as_dtype(dtype)
            if dtype.kind != "f":
                raise TypeError(f"a module can be cast to a floating-point dtype only, not to {dtype}")
        place = None if device is None else resolve(device)

        def converted(t: Tensor) -> Tensor:
            return t.detach().to(dtype=dtype if t.is_floating_point() else None, device=place)

        self._convert(converted)
        return self

    def _convert(self, converted: Callable[[Tensor], Tensor]) -> None:
        """Replace every parameter's and buffer's array; all new ones are made before the first is put in place."""
        with no_grad():
            learned = [(p, converted(p), None if p.grad is None else converted(p.grad)) for p in self.parameters()]
            kept = {id(b): converted(b) for b in self.buffers()}
        for p, new, new_grad in learned:
            p.set_array(new.array)
            if new_grad is not None:
                p.grad = new_grad
        for module in self.modules():
            for name, b in list(module._own("_buffer_names")):
                if kept[id(b)].array is not b.array:
                    module.__dict__[name] = kept[id(b)]

    def cpu(self: M) -> M:
        """Move all parameters and buffers to the CPU."""
        return self.to(device="cpu")

    def cuda(self: M, device: Any = None) -> M:
        """Move all parameters and buffers to a GPU: the current one, or that of an index or a name."""
        return self.to(device=f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def half(self: M) -> M:
        """Cast floating-point parameters and buffers to float16."""
        return self.to(dtype=dtypes.float16)

    def float(self: M) -> M:
        """Cast floating-point parameters and buffers to float32."""
        return self.to(dtype=dtypes.float32)

    def double(self: M) -> M:
        """Cast floating-point parameters and buffers to float64."""
        return self.to(dtype=dtypes.float64)

    # ------------------------------------------------------------------------------------------------------------ hooks

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        return self.__dict__["_hooks"]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Removable:
        """Before forward, call hook(module, args), or hook(module, args, kwargs); what it returns takes their place.

        Returns a handle whose remove() takes the hook off.
        """
        return register(self._own_hooks().before, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Removable:
        """After forward, call hook(module, args, output), or (module, args, kwargs, output); it may replace the output.

        Returns a handle whose remove() takes the hook off.
        """
        return register(self._own_hooks().after, (hook, with_kwargs), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """In backward, call hook(module, grad_input, grad_output) when the gradients of the inputs are known.

        Both are tuples, with None for what is not a tensor or got no gradient; grad_input holds positional arguments
        only. A tuple that the hook returns takes the place of grad_input. While a module has such hooks its inputs and
        outputs are copied at each call. Returns a handle whose remove() takes the hook off.
        """
        return register(self._own_hooks().backward, hook, prepend)

    # ------------------------------------------------------------------------------------------------------- as a text

    def extra_repr(self) -> str:
        """What repr() shows between the parentheses, besides the children."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): {_indented(repr(child))}" for name, child in self._children_or_none()]
        if len(extra) <= 1 and not children:
            return f"{self._get_name()}({''.join(extra)})"
        return "\n  ".join([f"{self._get_name()}(", *extra, *children]) + "\n)"

    def _children_or_none(self) -> Iterator[tuple[str, Any]]:
        return ((name, self.__dict__[name]) for name in self._registry("_child_names"))


class Layer(Module):
    """A module from one tensor to one tensor, as most are; it tells type checkers so, and nothing else."""

    if TYPE_CHECKING:

        def __call__(self, input: Tensor) -> Tensor: ...


class Activation(Layer):
    """A layer that bends each element by itself, and has no parameters that could do more."""


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _misfit(key: str, value: Any, place: Tensor) -> str | None:
    """Why `value` cannot be written into `place`; None if it can."""
    if not isinstance(value, Tensor) and not is_array(value):
        return f"{key!r} is a {type(value).__name__}, not a tensor or an array"
    if tuple(value.shape) != place.shape:
        return f"{key!r} has shape {tuple(value.shape)}, expected {place.shape}"
    if value.dtype not in dtypes.SUPPORTED:
        return f"{key!r} has dtype {value.dtype}, which is not supported"
    if not getattr(place.array.flags, "writeable", True):
        return f"{key!r} cannot be written: its place in the module is read-only memory"
    return None


def _names_dtype(name: str) -> bool:
    try:
        dtypes.as_dtype(name)
    except TypeError:
        return False
    return True
