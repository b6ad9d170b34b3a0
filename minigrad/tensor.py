"""Tensor: an array, and the node that says where it came from. PyTorch's names and meanings."""

from __future__ import annotations

from typing import Any, Callable, Iterator, TypeVar

import numpy as np

from . import autograd, ops
from .autograd import Leaf, Node, next_tick, record, watch_of
from .backend import Device, backend_of, copy_of, device_of, dtypes, is_array, move, resolve, writelog
from .backend.random import Generator
from .dispatch import house_op as op, in_one_buffer
from .gradmode import is_grad_enabled
from .numpy_forms import FUNCTIONS, REDUCTIONS, UFUNCS
from .ops import elementwise, index as indexing, linalg, shape as shaping
from .ops.typing import InPlace, Operand
from .values import array_from, draw_normal, draw_uniform

S = TypeVar("S", bound="Tensor")
Int, Float, Bool = int, float, bool  # inside Tensor these names are methods


def _in_place(function: Callable, name: str) -> InPlace:
    """The form of an op that overwrites its first argument."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        return self._overwrite(function, args, options, name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"{name[:-1]}(), written into this tensor. Raises RuntimeError where gradients forbid it."
    return method


class Tensor:
    """An array with a memory of how it was computed.

    Tensor(data) copies nested lists, numbers or an array. `array` is the raw NumPy or CuPy array; `node` is where it
    came from: None, a Leaf (requires_grad=True) or the node of an op.
    """

    __slots__ = ("__weakref__", "_switched_off", "array", "node")

    array: Any
    node: Any
    face: Any  # the class of results; set below to Tensor, inherited by subclasses

    def __init__(self, data: Any, dtype: Any = None, device: Any = None, requires_grad: Bool = False) -> None:
        self.array = array_from(data, dtype, device, copy=True)
        self.node = None
        if requires_grad:
            self.requires_grad_()

    @classmethod
    def of(cls, array: Any, node: Any = None) -> Any:
        """A tensor on `array` as it is: no copy, no check."""
        self = object.__new__(cls)
        self.array = array
        self.node = node
        return self

    def view_of(self, array: Any, node: Any, replay: Any) -> View:
        """A tensor on part of this one's memory, which remembers it."""
        return View.made(self, array, node, replay)

    # ------------------------------------------------------------------------------------------------- describing

    @property
    def shape(self) -> tuple[Int, ...]:
        return self.array.shape

    @property
    def ndim(self) -> Int:
        return self.array.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    @property
    def device(self) -> Device:
        return device_of(self.array)

    @property
    def is_cuda(self) -> Bool:
        return self.device.type == "cuda"

    @property
    def nbytes(self) -> Int:
        return self.array.nbytes

    @property
    def itemsize(self) -> Int:
        return self.array.itemsize

    def size(self, dim: Int | None = None) -> Any:
        """The shape, or the size of one dimension. (NumPy's `.size`, the number of elements, is numel().)"""
        return self.array.shape if dim is None else self.array.shape[ops.dims.one(dim, self.ndim, "size")]

    def dim(self) -> Int:
        return self.array.ndim

    def numel(self) -> Int:
        return self.array.size

    nelement = numel

    def stride(self) -> tuple[Int, ...]:
        """Steps between elements along each dimension, in elements."""
        return tuple(s // self.array.itemsize for s in self.array.strides)

    def is_contiguous(self) -> Bool:
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> Bool:
        return self.array.dtype.kind == "f"

    def element_size(self) -> Int:
        return self.array.itemsize

    def __len__(self) -> Int:
        if not self.array.ndim:
            raise TypeError("a 0-d tensor has no length")
        return self.array.shape[0]

    def __repr__(self) -> str:
        values = np.array2string(
            backend_of(self.array).to_host(self.array), separator=", ", prefix="tensor(", threshold=200
        )
        parts = [f"tensor({values}", f"shape={self.shape}", f"dtype={self.dtype}", f"device={self.device}"]
        node = self.node
        if node is not None:
            parts.append("requires_grad=True" if node.op is None else f"op={node.name}")
        return ", ".join(parts) + ")"

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        if self.ndim:
            raise TypeError(
                f"a tensor of shape {self.shape} cannot be formatted as {spec!r}; format its .item() or .numpy()"
            )
        return format(self.item(), spec)

    # ------------------------------------------------------------------------------------------------ leaving minigrad

    def item(self) -> Any:
        """The one element as a Python number. Raises ValueError if there are more."""
        if self.array.size != 1:
            raise ValueError(f"item() is for tensors of one element; this one has shape {self.shape}; use tolist()")
        self._synchronize()
        return self.array.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        self._synchronize()
        return self.array.tolist()

    def numpy(self, *, force: Bool = False) -> np.ndarray:
        """A NumPy array on the same memory. Raises RuntimeError where gradients or a GPU forbid it, unless `force`."""
        if force:
            return backend_of(self.array).to_host(self.array)
        if self.node is not None:
            raise RuntimeError("numpy() on a tensor that requires gradients would lose them; use .detach().numpy()")
        if not isinstance(self.array, np.ndarray):
            raise RuntimeError(f"numpy() on a tensor on {self.device}; move it first with .cpu()")
        return self.array

    def __array__(self, dtype: Any = None, copy: Bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def _synchronize(self) -> None:
        if self.array.__class__ is not np.ndarray:  # a GPU may owe us an error
            backend_of(self.array).synchronize(self.device)

    def __bool__(self) -> Bool:
        if self.array.size != 1:
            raise ValueError(f"the truth of a tensor of shape {self.shape} is ambiguous; use .any() or .all()")
        return bool(self.item())

    def __float__(self) -> Float:
        return float(self.item())

    def __int__(self) -> Int:
        return int(self.item())

    def __index__(self) -> Int:
        if self.dtype.kind == "f":
            raise TypeError(f"only integer tensors of one element can serve as an index, not dtype {self.dtype}")
        return int(self.item())

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("a 0-d tensor cannot be iterated over")
        return iter(shaping.unbind(self))

    def __contains__(self, value: Any) -> Bool:
        return bool((self == value).any())

    # --------------------------------------------------------------------------------------------------- gradients

    @property
    def requires_grad(self) -> Bool:
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: Bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self: S, requires_grad: Bool = True) -> S:
        """Make this a leaf that gathers gradients, or stop it (which forgets its .grad).

        Raises TypeError for a dtype that is not floating point, RuntimeError for switching off a computed tensor.
        """
        if requires_grad and self.node is None:
            if self.array.dtype.kind != "f":
                raise TypeError(
                    f"only floating-point tensors can require gradients, not {self.dtype}; cast with .float()"
                )
            leaf = getattr(self, "_switched_off", None)  # a graph from before still leads to it
            if leaf is None or leaf.shape != self.array.shape or leaf.dtype != self.array.dtype:
                leaf = Leaf(self.array.shape, self.array.dtype)
            leaf.grad = None
            self.node = leaf
        elif not requires_grad and self.node is not None:
            if self.node.op is not None:
                raise RuntimeError(
                    "requires_grad can only be switched off on leaves; use .detach() on a computed tensor"
                )
            self._switched_off, self.node = self.node, None
        return self

    @property
    def is_leaf(self) -> Bool:
        return self.node is None or self.node.op is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the op that made this tensor; None for a leaf."""
        return None if self.is_leaf else self.node

    @property
    def grad(self) -> Tensor | None:
        """What backward() has accumulated. A new tensor at each accumulation: one you kept does not change."""
        return None if self.node is None else self.node.grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if self.node is None:
                raise RuntimeError("grad can be set only on a tensor with requires_grad=True")
            _check_grad(self, value)
        if self.node is not None:
            self.node.grad = value

    def backward(
        self, gradient: Any = None, retain_graph: Bool | None = None, create_graph: Bool = False, inputs: Any = None
    ) -> None:
        """Add d(this)/d(leaf) to the .grad of every leaf that this depends on (of `inputs`, if given).

        gradient: d(final result)/d(this), of this shape; a single-element tensor needs none. The graph is freed unless
        retain_graph. Raises RuntimeError without a graph, for a freed one, or if a value it needs was changed in place.
        """
        node = self.node
        if gradient is None and inputs is None and not create_graph and node is not None and not self.array.shape:
            autograd.run([node], [autograd.one_like(self.array)], self.face, False, bool(retain_graph), None)
            return  # a loss, as nearly always
        gradients = None if gradient is None else [gradient]
        autograd.backward([self], gradients, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory without the history."""
        return self.face.of(self.array, None)

    def detach_(self: S) -> S:
        """Forget the history of this tensor itself."""
        self.node = None
        return self

    def retain_grad(self) -> None:
        """Have backward() keep .grad for this computed tensor too."""
        if self.node is None:
            raise RuntimeError("retain_grad() on a tensor that does not require gradients; call requires_grad_() first")
        if self.node.op is not None:
            watch_of(self.node).keep = True

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Removable:
        """Call hook(gradient) when the gradient of this tensor is known; what it returns, if anything, replaces it."""
        if self.node is None:
            raise RuntimeError(
                "register_hook() on a tensor that does not require gradients; call requires_grad_() first"
            )
        if not callable(hook):
            raise TypeError(f"register_hook takes a callable hook(gradient), not {type(hook).__name__}")
        return Removable(watch_of(self.node).hooks, hook)

    @property
    def data(self) -> Tensor:
        """A detached tensor on the same memory. Assigning a tensor replaces the memory, whatever its shape or dtype."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data takes a Tensor, not {type(value).__name__}; make one with minigrad.tensor")
        self.set_array(value.array)

    def set_array(self, array: Any) -> None:
        """Put another raw array in place of this one. A leaf stays one; its gradients have the new shape and dtype."""
        node = self.node
        if node is not None:
            if node.op is not None:
                raise RuntimeError("the data of a computed tensor cannot be replaced; detach() it first")
            if array.dtype.kind != "f":
                raise TypeError(f"a tensor that requires gradients must be floating point, not {array.dtype}")
            if node.shape != array.shape or node.dtype != array.dtype:
                node.replaced = (
                    f"this graph leads to a tensor of shape {node.shape} and dtype {node.dtype} that has since been "
                    f"changed to shape {array.shape} and dtype {array.dtype}; run the forward again"
                )
                self.node = Leaf(array.shape, array.dtype)
        self.array = array

    # -------------------------------------------------------------------------------------------- dtypes and devices

    def to(
        self, *args: Any, dtype: Any = None, device: Any = None, copy: Bool = False, non_blocking: Bool = False
    ) -> Tensor:
        """In another dtype, on another device, or in both of another tensor: to(dtype), to(device), to(tensor).

        Itself if nothing changes, unless `copy`.
        """
        for arg in args:
            if isinstance(arg, Tensor):
                dtype, device = arg.dtype, arg.device
            elif isinstance(arg, Device) or isinstance(arg, str) and _names_device(arg):
                device = arg
            else:
                dtype = arg
        result = self
        if dtype is not None:
            result = ops.astype(result, dtypes.as_dtype(dtype))
        if device is not None:
            result = ops.to_device(result, resolve(device))
        return ops.clone(self) if copy and result is self else result

    def astype(self, dtype: Any, copy: Bool = True) -> Tensor:
        """NumPy's name for to(dtype)."""
        return ops.astype(self, np.dtype(dtype))

    def type_as(self, other: Tensor) -> Tensor:
        return self.to(other.dtype)

    def cpu(self) -> Tensor:
        return self.to(device="cpu")

    def cuda(self, device: Any = None) -> Tensor:
        return self.to(device=f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def half(self) -> Tensor:
        return ops.astype(self, dtypes.float16)

    def float(self) -> Tensor:
        return ops.astype(self, dtypes.float32)

    def double(self) -> Tensor:
        return ops.astype(self, dtypes.float64)

    def int(self) -> Tensor:
        return ops.astype(self, dtypes.int32)

    def long(self) -> Tensor:
        return ops.astype(self, dtypes.int64)

    def bool(self) -> Tensor:
        return ops.astype(self, dtypes.bool_)

    def new_tensor(self, data: Any, dtype: Any = None) -> Tensor:
        """A tensor of `data` with this one's dtype (unless given) and device."""
        return self.face.of(array_from(data, dtype or self.dtype, self.device, copy=True))

    def new_full(self, size: Any, fill_value: Any, dtype: Any = None) -> Tensor:
        backend = backend_of(self.array)
        with backend.on(self.device):
            return self.face.of(
                backend.xp.full(size, fill_value, dtype=self.dtype if dtype is None else dtypes.as_dtype(dtype))
            )

    def new_zeros(self, *size: Any) -> Tensor:
        return self.new_full(ops.dims.shape_of(size, "new_zeros"), 0)

    def new_ones(self, *size: Any) -> Tensor:
        return self.new_full(ops.dims.shape_of(size, "new_ones"), 1)

    # ----------------------------------------------------------------------------------------------------- in place

    def _overwrite(self: S, function: Callable, args: tuple, options: dict, name: str) -> S:
        """Write function(self, *args) into this tensor's memory, and into its history if one is being recorded."""
        self._check_may_write(name, args)
        source: Any = self
        if is_grad_enabled() and any(getattr(a, "node", None) is not None for a in (self, *args)):
            source = self.face.of(copy_of(self.array), self.node)  # the op may save its input, which is about to change
        result = function(source, *(source if a is self else a for a in args), **options)
        if result.shape != self.shape:
            raise ValueError(f"{name}: the result has shape {result.shape} and does not fit this tensor's {self.shape}")
        if dtypes.category(result.dtype) > dtypes.category(self.dtype):
            raise TypeError(
                f"{name}: the result, of dtype {result.dtype}, cannot be kept in a tensor of {self.dtype}; "
                "cast it first"
            )
        result = ops.astype(result, self.dtype)
        self._write(..., result.array)
        if result.node is not None:
            self._adopt(result.node)
        return self

    def _check_may_write(self, name: str, args: tuple = ()) -> None:
        if not is_grad_enabled():
            return
        if self.node is not None and self.node.op is None:
            raise RuntimeError(
                f"{name}: a leaf that requires gradients cannot be changed in place while ops are recorded; "
                "do it under minigrad.no_grad(), or on a clone()"
            )

    def _write(self, where: Any, values: Any) -> None:
        """Change the memory, and log it, so that a graph that still needs the old values can tell."""
        array = self.array
        if not _is_writeable(array):
            raise ValueError(
                f"this tensor of shape {self.shape} is read-only (expanded, or made from a read-only array); "
                "clone() it first"
            )
        backend = backend_of(array)
        with np.errstate(all="ignore"), backend.on(backend.device_of(array)):
            part = array[where] if where is not ... and indexing.is_basic(where) else array
            try:
                array[where] = values
            except ValueError as error:
                raise ValueError(
                    f"setitem: values of shape {np.shape(values)} do not fit the chosen part "
                    f"of a tensor of shape {self.shape}"
                ) from error
        writelog.log(part, next_tick())

    def _adopt(self, node: Any) -> None:
        """Take on a new history, after an in-place change."""
        _hand_on_retained(self.node, node)
        self.node = node

    def __getitem__(self, key: Any) -> Tensor:
        return indexing.getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        where = indexing.read_index(key, self)
        self._check_may_write("setitem", (value,))
        value = self._to_be_written(value)
        if value.ndim and (extra := value.ndim - self.array[where].ndim) > 0 and value.shape[:extra] == (1,) * extra:
            value = value.reshape(value.shape[extra:])
        parents = self.node, value.node
        self._write(where, value.array)
        if is_grad_enabled() and parents != (None, None):
            self._adopt(record(indexing.put_op.op, self.array, (self.array, value.array), parents, {"index": where}))

    def _to_be_written(self, value: Any) -> Tensor:
        """`value` as a tensor of this one's dtype; numbers and lists are made on this one's device."""
        if isinstance(value, (list, tuple)) and _holds_gradients(value):
            raise TypeError(
                "setitem: a list of tensors would lose their gradients; join them first with minigrad.stack"
            )
        if not isinstance(value, Tensor):
            is_number = not isinstance(value, np.ndarray) and not is_array(value)
            value = self.face.of(array_from(value, self.dtype, self.device if is_number else None, copy=False))
        if value.device != self.device:
            raise RuntimeError(
                f"setitem: the value is on {value.device}, the tensor on {self.device}; "
                f"move it with .to('{self.device}')"
            )
        return ops.astype(value, self.dtype)

    add_ = _in_place(ops.add, "add_")
    sub_ = _in_place(ops.sub, "sub_")
    mul_ = _in_place(ops.mul, "mul_")
    div_ = _in_place(ops.div, "div_")
    pow_ = _in_place(ops.pow, "pow_")
    exp_ = _in_place(ops.exp, "exp_")
    log_ = _in_place(ops.log, "log_")
    sqrt_ = _in_place(ops.sqrt, "sqrt_")
    neg_ = _in_place(ops.neg, "neg_")
    abs_ = _in_place(ops.abs, "abs_")
    tanh_ = _in_place(ops.tanh, "tanh_")
    sigmoid_ = _in_place(ops.sigmoid, "sigmoid_")
    relu_ = _in_place(ops.relu, "relu_")
    clamp_ = _in_place(ops.clamp, "clamp_")
    floor_divide_ = _in_place(ops.floor_divide, "floor_divide_")
    remainder_ = _in_place(ops.remainder, "remainder_")
    masked_fill_ = _in_place(ops.masked_fill, "masked_fill_")
    scatter_add_ = _in_place(ops.scatter_add, "scatter_add_")
    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_
    __ipow__, __ifloordiv__, __imod__ = pow_, floor_divide_, remainder_

    def copy_(self: S, source: Tensor, non_blocking: Bool = False) -> S:
        """Overwrite with the values of `source`, broadcast, cast, and moved if need be."""
        self[...] = source.to(device=self.device) if isinstance(source, Tensor) else source
        return self

    def fill_(self: S, value: Any) -> S:
        """Overwrite every element with one number."""
        if getattr(value, "ndim", 0):
            raise ValueError(f"fill_ takes a number or a 0-d tensor, not shape {value.shape}")
        self[...] = value
        return self

    def zero_(self: S) -> S:
        """Overwrite with zeros."""
        return self.fill_(0)

    def normal_(self: S, mean: Any = 0.0, std: Any = 1.0, *, generator: Generator | None = None) -> S:
        """Overwrite with draws from the normal distribution N(mean, std^2). Raises ValueError for a negative std."""
        _check_floating(self, "normal_")
        if std < 0:
            raise ValueError(f"normal_: std must not be negative, got {std}")
        return self._fill_with(draw_normal(self.shape, self.dtype, mean, std, generator))

    def uniform_(self: S, a: Any = 0.0, b: Any = 1.0, *, generator: Generator | None = None) -> S:
        """Overwrite with draws from the uniform distribution on [a, b). Raises ValueError if a > b."""
        _check_floating(self, "uniform_")
        if a > b:
            raise ValueError(f"uniform_: the range is empty, from {a} to {b}")
        return self._fill_with(draw_uniform(self.shape, self.dtype, a, b, generator))

    def _fill_with(self: S, drawn: np.ndarray) -> S:
        self[...] = self.face.of(move(drawn, self.device))
        return self

    # ---------------------------------------------------------------------------------------------------- arithmetic

    __add__ = __radd__ = elementwise.add_op
    __sub__ = elementwise.sub_op
    __mul__ = __rmul__ = elementwise.mul
    __truediv__ = elementwise.div_op
    __floordiv__ = elementwise.floor_divide
    __mod__ = elementwise.remainder
    __neg__ = elementwise.neg
    __abs__ = elementwise.abs
    __lt__, __le__, __gt__, __ge__ = elementwise.lt, elementwise.le, elementwise.gt, elementwise.ge
    __and__ = __rand__ = elementwise.bitwise_and
    __or__ = __ror__ = elementwise.bitwise_or
    __xor__ = __rxor__ = elementwise.bitwise_xor
    __invert__ = elementwise.bitwise_not
    __matmul__ = linalg.matmul
    __rmatmul__ = linalg.rmatmul
    __hash__ = object.__hash__

    def __pow__(self, other: Operand) -> Tensor:
        return ops.pow(self, other)

    def __rpow__(self, other: Operand) -> Tensor:
        return ops.pow(other, self)

    def __rsub__(self, other: Operand) -> Tensor:
        return elementwise.sub_op(other, self)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return elementwise.div_op(other, self)

    def __rfloordiv__(self, other: Operand) -> Tensor:
        return elementwise.floor_divide(other, self)

    def __rmod__(self, other: Operand) -> Tensor:
        return elementwise.remainder(other, self)

    def __pos__(self) -> Tensor:
        return self

    def __eq__(self, other: object) -> Any:
        return elementwise.eq_op(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return elementwise.ne_op(self, other) if _comparable(other) else NotImplemented

    add, sub, mul, div, true_divide = ops.add, ops.sub, ops.mul, ops.div, ops.div
    floor_divide, remainder, pow, square = ops.floor_divide, ops.remainder, ops.pow, ops.square
    maximum, minimum, clamp, clip = ops.maximum, ops.minimum, ops.clamp, ops.clamp
    neg, abs, exp, log, log1p, expm1 = ops.neg, ops.abs, ops.exp, ops.log, ops.log1p, ops.expm1
    sqrt, rsqrt, reciprocal = ops.sqrt, ops.rsqrt, ops.reciprocal
    sin, cos, tan, tanh, erf = ops.sin, ops.cos, ops.tan, ops.tanh, ops.erf
    sign, floor, ceil, round, trunc = ops.sign, ops.floor, ops.ceil, ops.round, ops.trunc
    sigmoid, logsigmoid, softplus, relu, leaky_relu = (
        ops.sigmoid,
        ops.logsigmoid,
        ops.softplus,
        ops.relu,
        ops.leaky_relu,
    )
    elu, gelu, silu = ops.elu, ops.gelu, ops.silu
    eq, ne, lt, le, gt, ge = ops.eq, ops.ne, ops.lt, ops.le, ops.gt, ops.ge
    logical_not, logical_and, logical_or = ops.logical_not, ops.logical_and, ops.logical_or
    logical_xor = ops.logical_xor
    bitwise_not, bitwise_and, bitwise_or = ops.bitwise_not, ops.bitwise_and, ops.bitwise_or
    bitwise_xor = ops.bitwise_xor
    isnan, isinf, isfinite = ops.isnan, ops.isinf, ops.isfinite

    # ------------------------------------------------------------------------------------------ the other families

    matmul, mm, dot = ops.matmul, ops.matmul, ops.matmul
    sum, mean, var, std, prod, norm = ops.sum, ops.mean, ops.var, ops.std, ops.prod, ops.norm
    max, min, amax, amin, argmax, argmin = ops.max, ops.min, ops.amax, ops.amin, ops.argmax, ops.argmin
    all, any, cumsum = ops.all, ops.any, ops.cumsum
    logsumexp, softmax, log_softmax = ops.logsumexp, ops.softmax, ops.log_softmax
    reshape, view, permute, transpose, swapaxes = ops.reshape, ops.view, ops.permute, ops.transpose, ops.transpose
    movedim, squeeze, unsqueeze, flatten = ops.movedim, ops.squeeze, ops.unsqueeze, ops.flatten
    expand, broadcast_to = ops.expand, ops.expand
    split, chunk, unbind = ops.split, ops.chunk, ops.unbind
    flip, tril, triu = ops.flip, ops.tril, ops.triu
    gather, index_select, scatter_add = ops.gather, ops.index_select, ops.scatter_add
    masked_fill, masked_select = ops.masked_fill, ops.masked_select
    clone, contiguous = ops.clone, ops.contiguous
    T = property(shaping.reverse_dims)
    mT = property(shaping.matrix_transpose)

    def where(self, condition: Tensor, other: Operand) -> Tensor:
        """self where condition is true, else other."""
        return ops.where(condition, self, other)

    def expand_as(self, other: Tensor) -> Tensor:
        return self.expand(*other.shape)

    def view_as(self, other: Tensor) -> Tensor:
        return self.view(*other.shape)

    def reshape_as(self, other: Tensor) -> Tensor:
        return self.reshape(*other.shape)

    def t(self) -> Tensor:
        """The transpose of a matrix; a vector stays as it is."""
        if self.ndim > 2:
            raise ValueError(f"t() is for at most two dimensions, got shape {self.shape}; use .mT")
        return self.T

    # -------------------------------------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        table, known = {"__call__": (UFUNCS, ()), "reduce": (REDUCTIONS, ("axis", "dtype", "keepdims"))}.get(
            method, ({}, ())
        )
        function, refused = table.get(ufunc), [k for k in options if k not in known]
        if function is None or refused:
            what = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
            with_what = "".join(f" with {k}=" for k in refused)
            raise TypeError(f"{what}{with_what} is not available for Tensors; take the arrays with .detach().numpy()")
        return function(*inputs, **options)

    def __array_function__(self, function: Callable, types: Any, args: tuple, options: dict) -> Any:
        ours = FUNCTIONS.get(function)
        if ours is None:
            raise TypeError(
                f"np.{function.__name__} is not available for Tensors; take the array with .detach().numpy()"
            )
        return ours(*args, **options)

    # ---------------------------------------------------------------------------------------------- copies and files

    def __deepcopy__(self, memo: dict) -> Any:
        if not self.is_leaf:
            raise RuntimeError("only leaves can be deep-copied; use .detach().clone() on a computed tensor")
        copy = _rebuild(type(self), copy_of(self.array), self.node is not None)
        if self.grad is not None:
            copy.node.grad = self.face.of(copy_of(self.grad.array))
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> tuple:
        if not self.is_leaf:
            raise RuntimeError("only leaves can be pickled; use .detach() on a computed tensor")
        host = backend_of(self.array).to_host(self.array)
        return _unpickle, (type(self), host, str(self.device), self.node is not None)


Tensor.face = Tensor


class View(Tensor):
    """A tensor on part of another's memory, as slicing and reshaping give.

    It remembers its base, and the root: the first base, which is no view itself. If one of a family is changed in place
    inside a graph, the change is recorded on the bases above it up to the root; every other view then takes its history
    anew, from its base through the same op. Otherwise gradients would be silently wrong.
    """

    __slots__ = ("_base", "_history", "_recordable", "_replay", "_root", "_seen")

    @classmethod
    def made(cls, base: Tensor, array: Any, node: Any, replay: Any) -> View:
        self = object.__new__(cls)
        self.array = array
        self._base = base
        self._root = root = base._root if isinstance(base, View) else base
        self._history = node
        self._seen = root.node
        self._replay = replay  # (the op's row, its options); None for one of several outputs
        self._recordable = is_grad_enabled()
        return self

    @property  # type: ignore[override]
    def node(self) -> Any:
        if self._root.node is not self._seen:
            self._follow()
        return self._history

    @node.setter
    def node(self, value: Any) -> None:
        self._history = value
        self._seen = self._root.node

    def _follow(self) -> None:
        """The root has another history than when this view was taken: take it anew, down the chain of bases."""
        now = self._root.node
        changed_in_place = now is not None and now.op is not None
        stale = []
        view: Any = self
        while isinstance(view, View) and view._seen is not now:
            stale.append(view)
            view = view._base
        for view in reversed(stale):
            if changed_in_place and view._recordable and in_one_buffer(view.array, view._base.array):
                view._retake()
            view._seen = now

    def _retake(self) -> None:
        if self._replay is None:
            raise RuntimeError(
                "this tensor is one of several views (from split, chunk or unbind) of a tensor that was then changed "
                "in place; take the views again after the change"
            )
        row, options = self._replay
        base = self._base
        if base.node is None:
            return  # it was taken under no_grad(), and so follows nothing
        history = record(row, self.array, (base.array,), (base.node,), options)
        _hand_on_retained(self._history, history)
        self._history = history

    def _check_may_write(self, name: str, args: tuple = ()) -> None:
        super()._check_may_write(name)
        if not is_grad_enabled():
            return
        root: Tensor = self
        several = made_without_grad = False
        while isinstance(root, View) and in_one_buffer(root.array, root._base.array):
            several = several or root._replay is None
            made_without_grad = made_without_grad or not root._recordable
            root = root._base
        if root.node is not None and root.node.op is None:
            raise RuntimeError(
                f"{name}: this is a view of a leaf that requires gradients, which cannot be changed in place while "
                "ops are recorded; do it under minigrad.no_grad(), or on a clone()"
            )
        recorded = self.node is not None or any(getattr(a, "node", None) is not None for a in (root, *args))
        if recorded and several:
            raise RuntimeError(
                f"{name}: this view is one of several from split, chunk or unbind; changing it in place inside a graph "
                "is refused: index the base instead, as in x[i] = ..., or change a clone()"
            )
        if recorded and made_without_grad:
            raise RuntimeError(
                f"{name}: this view was taken under no_grad(); changing it in place inside a graph is refused: take it "
                "again with gradients on, or change a clone()"
            )

    def _adopt(self, node: Any) -> None:
        """Record the change on every base above, up to the root."""
        histories = [(self, node)]
        view: Any = self
        while isinstance(view, View) and in_one_buffer(view.array, view._base.array):
            row, options = view._replay
            base = view._base
            arrays, parents = (base.array, view.array), (base.node, node)
            node = record(_put_view.op, base.array, arrays, parents, {"row": row, "options": options})
            histories.append((base, node))
            view = base
        for tensor, history in reversed(histories):  # the root first: the views note which of its histories they know
            _hand_on_retained(tensor._history if isinstance(tensor, View) else tensor.node, history)
            tensor.node = history

    def detach_(self: S) -> S:
        """Refused: the base would still hold the history. Use detach()."""
        raise RuntimeError(
            "detach_() on a view of another tensor is refused, for its base keeps the history; use detach()"
        )

    def requires_grad_(self: S, requires_grad: bool = True) -> S:
        node = self.node
        Tensor.requires_grad_(self, requires_grad)
        if node is None and requires_grad:
            self._recordable = False  # a leaf of its own from here on: it no longer follows its base
        return self


def _hand_on_retained(old: Any, new: Any) -> None:
    """retain_grad() asks for the gradient of the tensor as it is, so it moves on to the new history."""
    if old is not None and old.op is not None and old.watch is not None and old.watch.keep:
        old.watch.keep = False
        watch_of(new).keep = True


def _put_view_forward(x: Any, value: Any, *, row: Any, options: dict) -> Any:
    y = indexing.copied(x)
    row.forward(y, **options)[...] = value
    return y


_put_view = op(
    _put_view_forward,
    lambda g, _y, _x, _v, *, row, options: _put_view(g, 0, row=row, options=options),
    lambda g, _y, _x, _v, *, row, options: row.call(g, **options),
    name="in-place change of a view",
)


class Removable:
    """What registering a hook returns: remove() takes the hook off again, and so does the end of a with block."""

    def __init__(self, hooks: dict[int, Callable], hook: Callable) -> None:
        self.id = next_tick()
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Removable:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _holds_gradients(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(_holds_gradients(d) for d in data)
    return isinstance(data, Tensor) and data.node is not None


def _is_writeable(array: Any) -> bool:
    if array.__class__ is np.ndarray:
        return array.flags.writeable
    return not any(
        stride == 0 and n > 1 for n, stride in zip(array.shape, array.strides)
    )  # CuPy would write to all at once


def _check_floating(t: Tensor, name: str) -> None:
    if t.array.dtype.kind != "f":
        raise TypeError(
            f"{name} draws floating-point numbers, which a tensor of {t.dtype} cannot hold; cast it with .float()"
        )


def _names_device(name: str) -> bool:
    try:
        np.dtype(name)
    except TypeError:
        return True
    return False


def _comparable(x: Any) -> bool:
    return isinstance(x, (Tensor, int, float, np.ndarray, np.generic)) or is_array(x)


def _check_grad(t: Tensor, g: Any) -> None:
    if not isinstance(g, Tensor):
        raise TypeError(f"grad takes a Tensor, not {type(g).__name__}")
    if g.shape != t.shape or g.dtype != t.dtype or g.device != t.device:
        raise ValueError(
            f"grad must match its tensor: got shape {g.shape}, dtype {g.dtype}, device {g.device}; "
            f"expected shape {t.shape}, dtype {t.dtype}, device {t.device}"
        )


def _rebuild(cls: type, array: Any, requires_grad: bool) -> Any:
    made = (Tensor if cls is View else cls).of(array, None)
    return made.requires_grad_() if requires_grad else made


def _unpickle(cls: type, host: np.ndarray, device: str, requires_grad: bool) -> Any:
    return _rebuild(cls, array_from(host, None, device, copy=False), requires_grad)
