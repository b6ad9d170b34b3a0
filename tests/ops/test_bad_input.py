"""Bad input to ops: the right class of error, and a message that names the op and what it was given."""
import numpy as np
import pytest

import minigrad as m

X = m.zeros(2, 3)
WHOLE = m.tensor([1, 2])
FLAGS = m.tensor([True, False])
EMPTY = m.zeros(0, 3)


def index(values, dtype="int64"):
    return m.tensor(values, dtype=dtype)


CASES = [
    # shapes
    ("X + m.zeros(4)", ValueError, r"add: shapes \(2, 3\) and \(4,\) do not broadcast.*float32"),
    ("m.maximum(X, m.zeros(2))", ValueError, r"maximum: shapes \(2, 3\) and \(2,\) do not broadcast"),
    ("X == m.zeros(2)", ValueError, r"eq: shapes"),
    ("m.where(X > 0, X, m.zeros(4))", ValueError, r"where: shapes \(2, 3\) and \(2, 3\) and \(4,\)"),
    ("m.masked_fill(X, m.zeros(4) > 0, 0)", ValueError, r"shapes \(4,\).*\(2, 3\)"),
    ("X @ X", ValueError, r"matmul: shapes \(2, 3\) and \(2, 3\) .* the first has 3 columns, the second 2 rows"),
    ("X @ m.zeros(2)", ValueError, r"matmul: shapes \(2, 3\) and \(2,\)"),
    ("m.matmul(X, m.tensor(1.0))", ValueError, r"matmul: both operands need dimensions.*\(2, 3\) and \(\); use \*"),
    ("m.zeros(2, 2, 3) @ m.zeros(3, 3, 2)", ValueError, r"matmul: shapes \(2, 2, 3\) and \(3, 3, 2\)"),
    ("m.linear(X, m.zeros(4, 2))", ValueError,
     r"linear: an input of shape \(2, 3\) does not fit a weight of shape \(4, 2\)"),
    ("m.linear(X, m.zeros(4, 3), m.zeros(3))", ValueError, r"linear: bias has shape \(3,\).*expected shape \(4,\)"),
    ("m.linear(X, m.zeros(3))", ValueError, r"linear: .*\(3,\)"),
    ("m.reshape(X, (4,))", ValueError, r"reshape: 6 elements in shape \(2, 3\) cannot be arranged as \(4,\)"),
    ("X.reshape(-1, -1)", ValueError, r"reshape: .*\(-1, -1\)"),
    ("X.reshape(-2, -3)", ValueError, r"reshape: .*\(-2, -3\)"),
    ("EMPTY.reshape(-1, 0)", ValueError, r"reshape: 0 elements .*\(-1, 0\)"),
    ("X.reshape(2.0, 3)", TypeError, r"reshape: sizes must be integers"),
    ("X.T.view(6)", ValueError, r"view: .*\(3, 2\).*without a copy; use reshape"),
    ("X.expand(2, 4)", ValueError, r"expand: shape \(2, 3\) does not expand to \(2, 4\)"),
    ("X.expand(3)", ValueError, r"expand"),
    ("X.expand(-1, 2, 3)", ValueError, r"expand"),
    ("m.cat([X, m.zeros(3)])", ValueError, r"cat: shapes \[\(2, 3\), \(3,\)\] differ in more than dim 0"),
    ("m.cat([X, m.zeros(2, 4)])", ValueError, r"cat: shapes"),
    ("m.cat([m.tensor(1.0)])", ValueError, r"cat: 0-d tensors.*use stack"),
    ("m.cat([])", TypeError, r"cat: give a list or tuple"),
    ("m.cat(X)", TypeError, r"cat: give a list or tuple.*not Tensor"),
    ("m.cat([X, 1])", TypeError, r"cat: element 1 is a int"),
    ("m.stack([X, m.zeros(3)])", ValueError, r"stack: shapes must be equal, got \[\(2, 3\), \(3,\)\]"),
    ("m.split(X, 0)", ValueError, r"split: .*positive, not 0"),
    ("m.split(X, [1, 2])", ValueError, r"split: sizes \[1, 2\] .*add up to 2"),
    ("m.split(X, 1.5)", TypeError, r"split: sizes must be integers"),
    ("m.chunk(X, 0)", ValueError, r"chunk: .*positive, not 0"),
    ("m.unbind(m.tensor(1.0))", ValueError, r"unbind: a 0-d tensor"),
    ("m.pad(X, (1,))", ValueError, r"pad: \(1,\) .*\(2, 3\)"),
    ("m.pad(X, (1,) * 6)", ValueError, r"pad"),
    ("m.pad(X, (-4, 0))", ValueError, r"pad: \(-4, 0\) cuts away more than shape \(2, 3\) has"),
    ("m.pad(X, (1, 1), 'reflect')", NotImplementedError, r"pad: mode 'reflect'"),
    ("m.tril(m.zeros(3))", ValueError, r"tril: .*\(3,\)"),
    ("m.zeros(3).mT", ValueError, r"mT needs at least two dimensions, got shape \(3,\)"),
    # dimensions
    ("m.sum(X, 2)", IndexError, r"sum: dim 2 is out of range for a tensor of 2 dimensions; use -2 to 1"),
    ("m.sum(X, -3)", IndexError, r"sum: dim -3"),
    ("m.sum(m.tensor(1.0), 1)", IndexError, r"sum: dim 1 .* 0 dimensions; use -1 to 0"),
    ("m.sum(X, (0, -2))", ValueError, r"sum: dim \(0, -2\) names a dimension twice"),
    ("m.sum(X, 0.5)", TypeError, r"sum: dim must be an integer, not 0.5"),
    *((f"m.{name}(X, 2)", IndexError, rf"{name}: dim 2") for name in (
        "mean", "var", "std", "prod", "amax", "amin", "argmax", "argmin", "max", "min", "all", "any", "logsumexp",
        "softmax", "log_softmax", "cumsum",
        "squeeze", "flip", "unbind")),
    ("m.norm(X, 2, 2)", IndexError, r"norm: dim 2"),
    ("m.unsqueeze(X, 3)", IndexError, r"unsqueeze: dim 3"),
    ("m.transpose(X, 0, 2)", IndexError, r"transpose: dim 2"),
    ("m.movedim(X, 0, 2)", IndexError, r"movedim: dim 2"),
    ("m.permute(X, (0,))", ValueError, r"permute: \(0,\) names 1 dimensions of a tensor that has 2"),
    ("m.permute(X, (0, 0))", ValueError, r"permute: .*twice"),
    ("m.flatten(X, 1, 0)", ValueError, r"flatten: start_dim 1 comes after end_dim 0"),
    ("m.cat([X, X], 2)", IndexError, r"cat: dim 2"),
    ("m.stack([X, X], 3)", IndexError, r"stack: dim 3"),
    ("m.gather(X, 2, index([[0]]))", IndexError, r"gather: dim 2"),
    ("m.prod(X, (0, 1))", TypeError, r"prod: dim must be an integer"),
    # nothing to choose from
    *((f"m.{name}(EMPTY, 0)", ValueError,
       rf"{name}: there is nothing to choose from in a tensor of shape \(0, 3\)") for name in (
        "amax", "amin", "argmax", "argmin", "max", "min")),
    ("m.norm(m.zeros(0), float('inf'))", ValueError, r"norm: there is nothing"),
    # dtypes
    ("m.mean(WHOLE)", TypeError, r"mean: dtype int64 has no mean"),
    *((f"m.{name}(WHOLE, 0)", TypeError,
       rf"{name}: needs floating-point values, got dtype int64") for name in ("softmax", "log_softmax", "var", "std",
           "norm")),
    ("X @ X.double().T", TypeError, r"matmul: dtypes differ, float32 and float64; cast"),
    ("X @ 3", TypeError, r"matmul: operands must be tensors, not Tensor and int"),
    ("-FLAGS", TypeError, r"neg: .*bool"),
    ("FLAGS - FLAGS", TypeError, r"sub: .*bool"),
    ("FLAGS // FLAGS", TypeError, r"floor_divide: booleans"),
    ("FLAGS ** FLAGS", TypeError, r"pow: booleans"),
    ("~X", TypeError, r"bitwise_not: .*float32"),
    ("X & X", TypeError, r"bitwise_and: .*float32"),
    ("m.where(X, X, X)", TypeError, r"where: the condition has dtype float32; make it bool"),
    ("m.where(True, X, X)", TypeError, r"where: the condition must be a bool tensor, not bool"),
    ("m.masked_fill(X, X, 0)", TypeError, r"masked_fill: the mask has dtype float32"),
    ("m.masked_fill(WHOLE, WHOLE > 1, 0.5)", TypeError, r"masked_fill: 0.5 does not fit dtype int64"),
    ("m.masked_fill(X, X > 0, m.zeros(2))", ValueError,
     r"masked_fill: the value must be a number or 0-d, got shape \(2,\)"),
    ("m.masked_select(X, X)", TypeError, r"masked_select: the mask has dtype float32"),
    ("m.one_hot(X)", TypeError, r"one_hot: labels must be integers, got dtype float32"),
    ("m.gather(X, 0, X)", TypeError, r"gather: the index has dtype float32; it must be int64"),
    ("m.index_select(X, 0, X[0])", TypeError, r"index_select: the index has dtype float32"),
    ("m.scatter_add(X, 0, index([[0]]), m.zeros(1, 1, dtype='float64'))", TypeError,
     r"scatter_add: dtypes differ, float32 and float64"),
    ("m.add(WHOLE, 1, alpha=0.5)", TypeError, r"add: alpha=0.5 does not fit the result's dtype int64"),
    ("m.tensor([1], dtype='uint8') + 300", OverflowError, r"add: .*300.*uint8"),
    # values
    ("WHOLE ** -1", ValueError, r"pow: integers \(dtype int64\) cannot be raised to -1; cast them to float"),
    ("WHOLE ** -WHOLE", ValueError, r"power: .*int64"),
    ("2 ** -WHOLE", ValueError, r"rpow: .*int64"),
    ("m.clamp(X)", ValueError, r"clamp: give min, max or both"),
    ("m.clamp(X, X, 1)", TypeError, r"clamp: min must be a number, not Tensor; use maximum"),
    ("m.div(X, X, rounding_mode='up')", ValueError, r"div: rounding_mode .*'up'"),
    ("m.gelu(X, approximate='fast')", ValueError, r"gelu: approximate .*'fast'"),
    ("m.norm(X, 'nuc')", ValueError, r"norm: p must be a number or 'fro', not 'nuc'"),
    ("m.one_hot(WHOLE, 2)", ValueError, r"one_hot: a label is outside \[0, 2\); labels range from 1 to 2"),
    ("m.one_hot(-WHOLE, 3)", ValueError, r"one_hot: a label is outside \[0, 3\)"),
    ("m.one_hot(index([]))", ValueError, r"one_hot: give num_classes"),
    # indices
    ("X[2]", IndexError, r"getitem: index 2 is out of bounds for axis 0 with size 2; the tensor has shape \(2, 3\)"),
    ("X[0, 0, 0]", IndexError, r"getitem: too many indices.*\(2, 3\)"),
    ("X[[5]]", IndexError, r"getitem: index 5"),
    ("X[None, [1], [1], [1]]", IndexError, r"getitem: too many indices"),
    ("X[X]", IndexError, r"getitem: an index must be made of integers or booleans, not of float32"),
    ("X['a']", IndexError, r"getitem: an index must be made of"),
    ("X[1.0]", IndexError, r"getitem: an index must be made of"),
    ("X[index([1], 'uint8')]", IndexError, r"getitem: .*uint8; say which is meant with .bool\(\) or .long\(\)"),
    ("X[FLAGS, FLAGS]", IndexError, r"getitem: .*\(2, 3\)"),
    ("X[..., ...]", IndexError, r"getitem: .*ellipsis"),
    ("m.gather(X, 0, index([0, 1]))", ValueError, r"gather: the index has shape \(2,\), the tensor \(2, 3\)"),
    ("m.gather(X, 0, index([[2]]))", IndexError, r"gather: an index is out of range for dim 0 of size 2"),
    ("m.gather(X, 1, index([[-1]]))", IndexError, r"gather: an index is out of range for dim 1 of size 3"),
    ("m.gather(X, 0, index([[0] * 4]))", ValueError,
     r"gather: the index, of shape \(1, 4\), is larger than the tensor, of shape \(2, 3\)"),
    ("m.scatter_add(X, 0, index([[0, 1]]), m.zeros(1, 1))", ValueError,
     r"scatter_add: the index, of shape \(1, 2\), is larger than the source, of shape \(1, 1\)"),
    ("m.scatter_add(X, 0, index([[2]]), m.zeros(1, 1))", IndexError,
     r"scatter_add: an index is out of range for dim 0 of size 2"),
    ("m.index_select(X, 0, index([-1]))", IndexError,
     r"index_select: an index is out of range for dim 0 of size 2; count from 0"),
    ("m.index_select(X, 0, index([[0]]))", ValueError, r"index_select: the index must be 1-D, got shape \(1, 1\)"),
    # things that are no tensors
    ("X + 'a'", TypeError, r"add: an operand is a str; operands are Tensors, arrays or numbers"),
    ("X + [1, 2, 3]", TypeError, r"add: an operand is a list.*minigrad.tensor"),
    ("X * None", TypeError, r"mul: .*None"),
    ("m.exp('a')", TypeError, r"exp: an operand is a str"),
    ("X + np.array(['a'])", TypeError, r"dtype"),
    ("X + 1j", TypeError, r"add: an operand is a complex"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "message"), CASES, ids=[text for text, _, _ in CASES])
def test_the_error_says_what_was_wrong(text, error, message):
    with pytest.raises(error, match=f"(?s){message}") as caught:
        eval(text, {**globals(), "index": index})
    assert type(caught.value) is error


@pytest.mark.parametrize("change", [
    lambda x: x.add_(m.zeros(4)), lambda x: x.__setitem__(5, 1.0), lambda x: x.__setitem__(0, m.zeros(4)),
    lambda x: x.masked_fill_(x, 0), lambda x: x.clamp_(),
    lambda x: x.scatter_add_(0, index([[7]]), m.ones(1, 1)), lambda x: x.index_select(0, index([9])),
    lambda x: x.__setitem__(index([0, 9]), 1.0),
])  # fmt: skip
def test_a_refused_change_changes_nothing(change):
    x = m.tensor([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises((ValueError, IndexError, TypeError)):
        change(x)
    assert x.tolist() == [[1, 2], [3, 4]]


def test_users_own_errors_keep_their_class_and_their_cause():
    class Mine(ValueError):
        pass

    def forward(x):
        raise Mine("as I said")

    with pytest.raises(Mine, match="^as I said$"):
        m.op(forward, lambda g, _y, _x: g, name="mine")(X)


def test_a_numpy_error_in_a_users_op_says_which_op():
    with pytest.raises(ValueError, match=r"lopsided: .*\(2, 3\)") as caught:
        m.op(lambda x: x + np.zeros(7), lambda g, _y, _x: g, name="lopsided")(X)
    assert isinstance(caught.value.__cause__, ValueError)
