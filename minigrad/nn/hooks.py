"""What users hang on a module's call: hooks before it, after it, and on its gradients.

A module without hooks has no `Hooks` at all, so that calling it costs no more than calling its forward.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Callable

from ..dispatch import Op, apply
from ..gradmode import is_grad_enabled
from ..tensor import Removable, Tensor


class Hooks:
    """The hooks of one module, each kind in the order in which they run."""

    def __init__(self) -> None:
        self.before: OrderedDict[int, Any] = OrderedDict()  # (hook, with_kwargs)
        self.after: OrderedDict[int, Any] = OrderedDict()  # (hook, with_kwargs)
        self.backward: OrderedDict[int, Any] = OrderedDict()  # hook


def register(hooks: OrderedDict[int, Any], entry: Any, prepend: bool) -> Removable:
    handle = Removable(hooks, entry)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def call_with_hooks(module: Any, hooks: Hooks, args: tuple, kwargs: dict[str, Any]) -> Any:
    """module.forward between its hooks."""
    if not (hooks.before or hooks.after or hooks.backward):
        module._hooks = None  # all were removed: back to the short way
        return module.forward(*args, **kwargs)
    args, kwargs = _run_before(module, hooks, args, kwargs)
    crossing = Crossing(module, hooks) if hooks.backward and is_grad_enabled() else None
    if crossing is not None:
        args = crossing.enter(args)
    result = _run_after(module, hooks, args, kwargs, module.forward(*args, **kwargs))
    return result if crossing is None else crossing.leave(result)


def _run_before(module: Any, hooks: Hooks, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    for hook, with_kwargs in list(hooks.before.values()):
        replaced = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if replaced is None:
            continue
        if not with_kwargs:
            args = replaced if isinstance(replaced, tuple) else (replaced,)
        elif isinstance(replaced, tuple) and len(replaced) == 2:
            args, kwargs = replaced
        else:
            raise RuntimeError(f"a forward pre-hook with kwargs must return None or (args, kwargs), not {replaced!r}")
    return args, kwargs


def _run_after(module: Any, hooks: Hooks, args: tuple, kwargs: dict[str, Any], result: Any) -> Any:
    for hook, with_kwargs in list(hooks.after.values()):
        replaced = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if replaced is not None:
            result = replaced
    return result


class Crossing:
    """One call of a module as its gradients see it: they pass its outputs first, its inputs last.

    The inputs, and the outputs, each go through one op that copies them. The walk reaches that op when all of their
    gradients have arrived, which is when the hooks may be told. (Copies, because an op's result must not share memory
    with its argument unless it is a view, and views of several tensors at once cannot be changed in place.)
    """

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module = module
        self.hooks = hooks
        self.tensors_at: list[int] = []  # which positional arguments are tensors
        self.arguments = 0
        self.input_needs_grad = False
        self.grad_output: tuple = ()

    def enter(self, args: tuple) -> tuple:
        self.arguments = len(args)
        self.tensors_at = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        self.input_needs_grad = any(args[i].requires_grad for i in self.tensors_at)
        return tuple(_pass(list(args), self.tensors_at, self.at_inputs))

    def leave(self, result: Any) -> Any:
        outputs = [result] if isinstance(result, Tensor) else result
        if not isinstance(outputs, (tuple, list)):
            raise TypeError(
                "a full backward hook needs a module that returns a Tensor or a tuple of them; "
                f"{type(self.module).__name__} returned {type(result).__name__}"
            )
        passed = _pass(list(outputs), [i for i, t in enumerate(outputs) if isinstance(t, Tensor)], self.at_outputs)
        return passed[0] if outputs is not result else type(result)(passed)

    def at_outputs(self, grads: list) -> list:
        self.grad_output = tuple(_as_tensor(g) for g in grads)
        if not self.input_needs_grad:
            self.tell((None,) * self.arguments)
        return grads

    def at_inputs(self, grads: list) -> list:
        grad_input: list[Any] = [None] * self.arguments
        for i, g in zip(self.tensors_at, grads):
            grad_input[i] = _as_tensor(g)
        told = self.tell(tuple(grad_input))
        recorded = any(isinstance(g, Tensor) for g in grads)
        return [told[i] if recorded or told[i] is None else told[i].array for i in self.tensors_at]

    def tell(self, grad_input: tuple) -> tuple:
        """Hand the hooks both sides; what one returns takes the place of the gradients of the inputs."""
        grad_output, self.grad_output = self.grad_output, ()
        for hook in list(self.hooks.backward.values()):
            replaced = hook(self.module, grad_input, grad_output)
            if replaced is None:
                continue
            replaced = replaced if isinstance(replaced, tuple) else (replaced,)
            if len(replaced) != len(grad_input):
                raise RuntimeError(
                    f"a backward hook of {type(self.module).__name__} returned {len(replaced)} gradients "
                    f"for {len(grad_input)} inputs"
                )
            grad_input = replaced
        return grad_input


def _as_tensor(g: Any) -> Any:
    return g if g is None or isinstance(g, Tensor) else Tensor.of(g)


def _pass(values: list, places: list[int], told: Callable[[list], list]) -> list:
    """`values` with the tensors at `places` sent through one op, whose vjp is `told`."""
    n = len(places)
    if not n:
        return values

    def joint(g: Any, _y: Any, *_args: Any, needs: Any) -> list:
        return told([g] if n == 1 else g)

    copies = (lambda x: x.copy()) if n == 1 else (lambda *xs: tuple(x.copy() for x in xs))
    row = Op("module_hook", copies, (), joint, None, False, n, n)  # not an op of the library: it stays off the list
    passed = apply(row, tuple(values[i] for i in places), {})
    for i, t in zip(places, [passed] if n == 1 else passed):
        values[i] = t
    return values
