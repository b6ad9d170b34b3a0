"""L-BFGS."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

import numpy as np

from ..backend import device_of, move
from ..backend.quiet import quiet
from ..gradmode import enable_grad
from ..tensor import Tensor
from . import checks, explain, loading
from .arena import Block, Slot
from .explain import Element, Explanation, LawCall, NotedLaw
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer

_VECTORS, _HISTORIES = ("d", "prev_flat_grad"), ("old_dirs", "old_stps")
_NUMBERS = ("t", "H_diag", "prev_loss")
_TITLE = "LBFGS: the state of all parameters"


class Memory:
    """What L-BFGS knows of the landscape, by PyTorch's names; no array in it is ever written to."""

    def __init__(self, n_iter: int = 0, func_evals: int = 0) -> None:
        self.n_iter = n_iter
        self.func_evals = func_evals
        self.d: Any = None  # the last direction, and how far it was followed
        self.t = 0.0
        self.old_dirs: list[Any] = []  # y: differences of gradients, the oldest first
        self.old_stps: list[Any] = []  # s: the steps that they belong to
        self.ro: list[float] = []  # 1 / (y . s)
        self.H_diag = 1.0
        self.prev_flat_grad: Any = None
        self.prev_loss = 0.0

    def copied(self, like: Any) -> Memory:
        """A copy whose lists can grow, with the arrays where `like` is and of its dtype."""
        copy = Memory(self.n_iter, self.func_evals)
        copy.t, copy.H_diag, copy.prev_loss, copy.ro = self.t, self.H_diag, self.prev_loss, list(self.ro)
        copy.d, copy.prev_flat_grad = _as(self.d, like), _as(self.prev_flat_grad, like)
        copy.old_dirs = [_as(y, like) for y in self.old_dirs]
        copy.old_stps = [_as(s, like) for s in self.old_stps]
        return copy

    @quiet
    def learn(self, g: Any, history_size: int) -> None:
        """Take in how the gradient changed along the last step, if the loss curves upwards there."""
        y, s = g - self.prev_flat_grad, self.d * self.t
        curvature = _dot(y, s)
        if curvature > 1e-10:
            while len(self.old_dirs) >= history_size:
                for history in (self.old_dirs, self.old_stps, self.ro):
                    history.pop(0)
            self.old_dirs.append(y)
            self.old_stps.append(s)
            self.ro.append(1 / curvature)
            self.H_diag = curvature / _dot(y, y)

    @quiet
    def direction(self, g: Any) -> Any:
        """Minus the approximate inverse Hessian times g: the two loops of Nocedal 1980."""
        q = -g
        factors = []
        for y, s, ro in reversed(list(zip(self.old_dirs, self.old_stps, self.ro))):
            factors.append(_dot(s, q) * ro)
            q -= factors[-1] * y
        q *= self.H_diag
        for y, s, ro, factor in zip(self.old_dirs, self.old_stps, self.ro, reversed(factors)):
            q += (factor - _dot(y, q) * ro) * s
        return q


class LBFGS(Optimizer):
    """p <- p + t * d, d = -H g, with H built from the last history_size changes of the gradient; needs step(closure).

    Nocedal 1980 ("Updating quasi-Newton matrices with limited storage"), with the scaling of Liu and Nocedal 1989, in
    PyTorch's form. A step is up to max_iter iterations and about max_eval evaluations of the closure (max_iter * 5 // 4
    if None). t is lr (at the first iteration lr * min(1, 1 / sum|g|)), or with line_search_fn="strong_wolfe" found
    from there. A step ends early where max|g| <= tolerance_grad or the loss or all parameters change by less than
    tolerance_change. It returns the loss at its start.

    All parameters are one vector: one group, one dtype (float32 or float64), one device. A parameter without a gradient
    has gradient 0. If the closure fails, the parameters go back to where the step began, and a line search takes a NaN
    for a loss that is too high; PyTorch does neither. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "lbfgs"
    needs_closure = "it evaluates the loss several times in a step"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        self._memory = Memory()
        if max_eval is None and isinstance(max_iter, int):
            max_eval = max(1, max_iter * 5 // 4)
        super().__init__(params, dict(
            lr=lr, max_iter=max_iter, max_eval=max_eval, tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change, history_size=history_size, line_search_fn=line_search_fn,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("LBFGS", **{name: group[name] for name in ("lr", "tolerance_grad", "tolerance_change")})
        for name in ("max_iter", "max_eval", "history_size"):
            checks.whole("LBFGS", name, group[name], 1)
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(f"LBFGS: line_search_fn must be None or 'strong_wolfe', got {group['line_search_fn']!r}")

    def used_states(self, group: dict[str, Any]) -> list[str]:
        return []  # the memory is of all parameters together

    # --------------------------------------------------------------------------------------------------- one vector

    def _add(self, groups: Iterable[Any]) -> None:
        groups = list(groups)
        if len(self.param_groups) + len(groups) > 1:
            raise ValueError("LBFGS: all parameters are one vector, in one group; for others make another optimizer")
        super()._add(groups)

    def _completed(self, group: Any) -> dict[str, Any]:
        full = super()._completed(group)
        _one_vector([p for p in full["params"] if isinstance(p, Tensor) and p.array.dtype.kind == "f"])
        return full

    def _prepare(self) -> None:
        _one_vector([slot.param for slot in self._slots()])
        super()._prepare()
        d, size = self._memory.d, self._block.values.size
        if d is not None and d.size != size:
            raise ValueError(
                f"LBFGS: the parameters have {size} elements now, but what is remembered of them has {d.size}; make a "
                "new optimizer"
            )

    @property
    def _block(self) -> Block:
        return self._arenas[0].blocks[0]

    # ------------------------------------------------------------------------------------------------------ the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to max_iter iterations. closure: computes the gradients anew and returns the loss, each time it is called.

        Raises what the closure raises, TypeError if there is none or it returns no number, and RuntimeError if it moves
        a parameter to other memory.
        """
        loss = self.evaluate(closure)
        value = _number(loss)
        self._prepare()
        block = self._block
        with block.backend.on(block.device):
            before = block.values.copy()
            try:
                self._memory = self._descended(block, closure, value)
            except BaseException:
                block.restore(before)
                raise
        block.slots[0].age += 1
        return loss

    def _descended(self, block: Block, closure: Any, loss: float) -> Memory:
        """Move the parameters; return what is known afterwards."""
        group = self._arenas[0].settings.plain
        memory = self._memory.copied(block.values)
        memory.func_evals += 1
        evaluations = 1
        g = _gradient(block)
        if _largest(g) <= group["tolerance_grad"]:
            return memory
        for iteration in range(1, group["max_iter"] + 1):
            memory.n_iter += 1
            if memory.n_iter == 1:
                memory.d = -g
                memory.t = group["lr"] * min(1.0, 1 / float(abs(g).sum()))
            else:
                memory.learn(g, group["history_size"])
                memory.d, memory.t = memory.direction(g), group["lr"]
            memory.prev_flat_grad, memory.prev_loss = g, loss
            slope = _dot(g, memory.d)
            if slope > -group["tolerance_change"]:
                break
            line = _Line(self, block, closure, memory.d)
            last = iteration == group["max_iter"]
            if group["line_search_fn"] is not None:
                point, used = strong_wolfe(
                    line.at, Point(0.0, loss, slope, g), memory.t, _largest(memory.d), group["tolerance_change"],
                    group["max_eval"] - evaluations,
                )  # fmt: skip
                line.move(point.t)
            elif last:  # nobody would look at the loss there
                line.move(memory.t)
                break
            else:
                point, used = line.at(memory.t), 1
            memory.t, loss, g = point.t, point.loss, point.gradient
            evaluations += used
            memory.func_evals += used
            if last or evaluations >= group["max_eval"] or _largest(g) <= group["tolerance_grad"]:
                break
            if _largest(memory.d) * abs(memory.t) <= group["tolerance_change"]:
                break
            if abs(loss - memory.prev_loss) < group["tolerance_change"]:
                break
        return memory

    def explanation(self, param: Tensor, index: Any, closure: Callable[[], Any] | None = None) -> Explanation:
        """As for every rule. The step is taken, closure and all, with notes, and the parameters are put back."""
        slot = explain.slot_of("LBFGS", self._slots(), param)
        place, offset = explain.located("LBFGS", slot, index)
        loss = _number(self.evaluate(closure))
        self._prepare()
        block, calls = self._block, list[LawCall]()
        element = Element(block, slot, block.gradients, slot.start + offset)
        before, law = block.values.copy(), self.law()
        try:
            vars(self)["law"] = lambda: NotedLaw(law, element, calls)
            with block.backend.on(block.device):
                self._descended(block, closure, loss)
        finally:
            del vars(self)["law"]
            block.restore(before)
        title = explain.title("LBFGS", slot, place, block.values.dtype)
        return Explanation(title, self._arenas[0].settings.plain, calls, before[element.offset])

    # ------------------------------------------------------------------------------------------------------- state

    def _state_of(self, slot: Slot) -> dict[str, Any]:
        memory = self._memory
        known: dict[str, Any] = {"func_evals": memory.func_evals, "n_iter": memory.n_iter}
        if memory.d is None:
            return known
        known |= {name: Tensor.of(getattr(memory, name).copy()) for name in _VECTORS}
        known |= {name: [Tensor.of(array.copy()) for array in getattr(memory, name)] for name in _HISTORIES}
        return {**known, "ro": list(memory.ro), **{name: getattr(memory, name) for name in _NUMBERS}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take on the hyper-parameters and a copy of the state that state_dict(), here or in PyTorch, returned.

        PyTorch, and so this, keeps the state of all parameters under the first. Raises TypeError or ValueError, and
        changes nothing, if something does not fit.
        """
        groups, entries = loading.sections("LBFGS", state_dict, [len(self._slots())])
        if any(entries[1:]):
            raise ValueError("LBFGS: the state_dict has state for more than the first parameter; is it another rule's?")
        memory = _read(entries[0], sum(slot.param.array.size for slot in self._slots()))
        before, self._memory = self._memory, Memory()  # of another size, perhaps
        try:
            super().load_state_dict({"state": {}, "param_groups": groups})
        except BaseException:
            self._memory = before
            raise
        self._memory = memory.copied(self._block.values)
        self._block.slots[0].age = int(memory.func_evals > 0)


class _Line:
    """The line from where the parameters are, along d."""

    def __init__(self, optimizer: LBFGS, block: Block, closure: Callable[[], Any], d: Any) -> None:
        self.optimizer, self.block, self.closure, self.d = optimizer, block, closure, d
        self.start = block.values.copy()

    def move(self, t: float) -> None:
        """Put the parameters at a distance from the start."""
        law, block = self.optimizer.law(), self.block

        def bound(t: float) -> None:
            law(self.start, self.d, block.values, t=t)

        if block.values.size:
            block.update([(0, len(block.slots), bound, {"t": t}, False, {})])

    def at(self, t: float) -> Point:
        """Go there and look: a loss that is NaN counts as infinite."""
        self.move(t)
        with enable_grad():
            loss = _number(self.closure())
        if not self.optimizer._arenas[0].is_current(self.optimizer.param_groups[0]["params"]):
            raise RuntimeError("LBFGS: the closure moved a parameter to other memory in the middle of a step")
        g = _gradient(self.block)
        return Point(t, loss if loss == loss else float("inf"), _dot(g, self.d), g)


def _one_vector(params: list[Tensor]) -> None:
    kinds = {(str(p.array.dtype), str(p.device)) for p in params}
    if len(kinds) > 1 or any(dtype == "float16" for dtype, _ in kinds):
        listed = ", ".join(f"{dtype} on {device}" for dtype, device in sorted(kinds))
        raise ValueError(
            f"LBFGS: all parameters are one vector, of one dtype (float32 or float64) on one device; these are {listed}"
        )


def _gradient(block: Block) -> Any:
    """The gradients of all parameters, as one new vector."""
    for slot in block.slots:
        leaf = slot.param.node
        gradient = None if leaf is None else leaf.grad
        slot.gradient[...] = 0 if gradient is None else gradient.array
    return block.gradients.copy()


def _number(loss: Any) -> float:
    try:
        return float(loss)
    except (TypeError, ValueError):
        raise TypeError(f"LBFGS: the closure must return the loss, one number; it returned {loss!r}") from None


@quiet
def _dot(a: Any, b: Any) -> float:
    return float(a.dot(b))


def _largest(array: Any) -> float:
    return float(abs(array).max()) if array.size else 0.0


def _as(array: Any, like: Any) -> Any:
    return None if array is None else move(array, device_of(like)).astype(like.dtype, copy=False)


# --------------------------------------------------------------------------------------------- reading a state_dict


def _read(entry: Mapping[str, Any], size: int) -> Memory:
    """The memory that a state_dict tells of, for parameters of so many elements. Raises ValueError if it does not fit.

    PyTorch's "al" is scratch: it is passed over.
    """
    given = {key: value for key, value in entry.items() if value is not None and key != "al"}
    if not given:
        return Memory()
    known = list(vars(Memory()))
    strangers = sorted(given.keys() - set(known))
    if strangers:
        raise ValueError(f"{_TITLE} has {strangers}, which are unknown; known are {sorted(known)}")
    needed = ["n_iter", "func_evals"] if not given.get("n_iter") else known
    missing = [key for key in needed if key not in given]
    if missing:
        raise ValueError(f"{_TITLE} lacks {missing}")
    memory = Memory(int(_one("n_iter", given["n_iter"])), int(_one("func_evals", given["func_evals"])))
    if needed is not known:
        return memory
    lengths = {key: len(given[key]) for key in (*_HISTORIES, "ro")}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{_TITLE} has histories of different lengths: {lengths}")
    for key in _NUMBERS:
        setattr(memory, key, _one(key, given[key]))
    for key in _VECTORS:
        setattr(memory, key, _vector(key, given[key], size))
    for key in _HISTORIES:
        setattr(memory, key, [_vector(key, part, size) for part in given[key]])
    memory.ro = [_one("ro", part) for part in given["ro"]]
    return memory


def _one(key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{_TITLE} has {key} {value!r}; it must be one number") from None


def _vector(key: str, value: Any, size: int) -> Any:
    array = value.array.copy() if isinstance(value, Tensor) else np.array(value)
    if array.shape != (size,):
        raise ValueError(f"{_TITLE} has {key} of shape {array.shape}; all parameters together have {size} elements")
    if array.dtype.kind != "f":
        raise ValueError(f"{_TITLE} has {key} of dtype {array.dtype}; it must be floating point")
    return array
