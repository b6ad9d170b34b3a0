"""Function: custom ops in PyTorch's form, with a forward and a backward of their own."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from .autograd import Node, pick, record
from .gradmode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .tensor import Tensor

__all__ = ["Function"]


class Context:
    """What forward() leaves for backward()."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[tuple[Any, Any]] = []  # (array, its node, or its position among the outputs)
        self._not_differentiable: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True
        self._outputs: list[Any] = []  # an array like each output
        self._whole: Any = None  # the node, while backward() runs; kept longer, it would close a reference cycle

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (inputs, outputs or others) for backward(), guarded against change in place."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward takes Tensors, not {type(t).__name__}; keep others as attributes of ctx"
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return tuple(self._restored(array, source) for array, source in self._saved)

    def _restored(self, array: Any, source: Any) -> Tensor | None:
        if array is None:
            return None
        return Tensor.of(array, pick(self._whole, source, array) if isinstance(source, int) else source)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs carry no gradient."""
        self._not_differentiable = {id(t) for t in tensors}

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that forward() changes these inputs in place and returns them. Call it before the change.

        Raises RuntimeError for a leaf that requires gradients, and as any change in place does.
        """
        with enable_grad():
            for t in tensors:
                t._check_may_write("mark_dirty")
        self._dirty = {id(t) for t in tensors}

    def set_materialize_grads(self, value: bool) -> None:
        """False: backward() receives None for an output that was not used, instead of zeros."""
        self._materialize = value


class _Row:
    """What the walk asks of an op, answered by a Function's backward()."""

    partial = False

    def __init__(self, function: type[Function]) -> None:
        self.name = function.__name__
        self.backward = function.backward

    def kept(self, needs: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        return False, (False,) * len(needs)  # what is needed is in the context

    def pull(self, node: Node, g: Any, y: Any, args: tuple, wanted: Sequence[Any]) -> Sequence[Any]:
        ctx = node.kw["ctx"]
        gs = g.as_list(len(ctx._outputs))
        recording = any(hasattr(part, "face") for part in gs)
        tensors = [part if part is None or recording else Tensor.of(part) for part in gs]
        if ctx._materialize:
            tensors = [Tensor.of(np.zeros_like(like)) if t is None else t for t, like in zip(tensors, ctx._outputs)]
        ctx._whole = node
        try:
            with set_grad_enabled(recording):
                grads = self.backward(ctx, *tensors)
        finally:
            ctx._whole = None
        grads = list(grads) if isinstance(grads, tuple) else [grads]
        while len(grads) > len(wanted) and grads[-1] is None:
            grads.pop()
        if len(grads) != len(wanted):
            raise RuntimeError(
                f"{self.name}.backward returned {len(grads)} gradients, but forward took {len(wanted)} inputs"
            )
        return [
            None if want is None else self._checked(part, i, recording)
            for i, (part, want) in enumerate(zip(grads, wanted))
        ]

    def _checked(self, part: Any, i: int, recording: bool) -> Any:
        if part is None:
            return None
        if not isinstance(part, Tensor):
            raise TypeError(
                f"{self.name}.backward returned a {type(part).__name__} for input {i}; return a Tensor or None"
            )
        return part.clone() if recording else part.array.copy()  # it may be a saved tensor, or g itself


class Function:
    """A differentiable function with a hand-written gradient. Call it by `apply`.

        class Cube(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x ** 3

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return 3 * x ** 2 * g

    forward runs without recording. backward receives a gradient per output and returns one (or None) per input; written
    with differentiable ops, it serves create_graph=True too.
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function needs a static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError("a Function needs a static method backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward, and record it if an input requires gradients."""
        parents = tuple(a.node if isinstance(a, Tensor) else None for a in args)
        recorded = is_grad_enabled() and any(p is not None for p in parents)
        ctx = Context(tuple(p is not None for p in parents))
        with no_grad():
            result = cls.forward(ctx, *args, **kwargs)
        outputs = result if isinstance(result, tuple) else (result,)
        for i, out in enumerate(outputs):
            if not isinstance(out, Tensor):
                raise TypeError(f"{cls.__name__}.forward returned a {type(out).__name__} as output {i}; return Tensors")
        if recorded:
            outputs = cls._record(ctx, args, parents, outputs)
        return outputs if isinstance(result, tuple) else outputs[0]

    @classmethod
    def _record(cls, ctx: Context, args: tuple, parents: tuple, outputs: tuple) -> tuple:
        saved = tuple(None if t is None else t.array for t in ctx._to_save)
        ctx._outputs = [out.array for out in outputs]
        if "_row" not in cls.__dict__:
            cls._row = _Row(cls)  # type: ignore[attr-defined]
        whole = record(cls._row, (), args, parents, {"ctx": ctx, "saved": saved})  # type: ignore[attr-defined]
        for t in ctx._to_save:
            position = next((i for i, out in enumerate(outputs) if t is out), None)
            ctx._saved.append((None, None) if t is None else (t.array, t.node if position is None else position))
        ctx._to_save = ()
        results: list[Any] = []
        for i, out in enumerate(outputs):
            differentiable = out.dtype.kind == "f" and id(out) not in ctx._not_differentiable
            node = pick(whole, i, out.array) if differentiable else None
            if id(out) in ctx._dirty:
                out._adopt(node)
                results.append(out)
            else:
                taken = [x.array for x in (*args, *results) if isinstance(x, Tensor)]
                results.append(Tensor.of(_of_its_own(out.array, taken), node))
        return tuple(results)


def _of_its_own(array: Any, taken: list[Any]) -> Any:
    """`array`, copied if it is part of another: else a change of one in place would pass the other's history by."""
    shared = array.base is not None or any(array is other for other in taken)
    return array.copy() if shared else array
