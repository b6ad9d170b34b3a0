"""Elementwise ops: arithmetic, the functions of one variable, activations, comparisons.

A row reads forward, then one vjp per argument. `g` is the upstream gradient, `y` the output, `x` (or `a`, `b`) the
inputs; a leading underscore marks what a vjp does not read and so need not be kept.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import backend_of, dtypes
from .typing import Binary, Number, Operand, T, Unary
from ..dispatch import house_op as op

# ---------------------------------------------------------------------------------------------------- arithmetic

_same = lambda g, _y, _a, _b: g  # noqa: E731

add_op: Binary = op(np.add, _same, _same, name="add", cast="promote")
sub_op: Binary = op(np.subtract, _same, lambda g, _y, _a, _b: -g, name="sub", cast="promote")
mul: Binary = op(np.multiply, lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: g * a, name="mul", cast="promote")
div_op: Binary = op(
    np.true_divide, lambda g, _y, _a, b: g / b, lambda g, _y, a, b: -g * (a / b / b), name="div", cast="float"
)
maximum: Binary = op(  # a tie shares the gradient; NaN lets it through
    np.maximum,
    lambda g, _y, a, b: np.where(a < b, 0, np.where(a == b, g * 0.5, g)),
    lambda g, _y, a, b: np.where(b < a, 0, np.where(a == b, g * 0.5, g)),
    name="maximum", cast="promote",
)
minimum: Binary = op(
    np.minimum,
    lambda g, _y, a, b: np.where(a > b, 0, np.where(a == b, g * 0.5, g)),
    lambda g, _y, a, b: np.where(b > a, 0, np.where(a == b, g * 0.5, g)),
    name="minimum", cast="promote",
)


def _by_nonzero(function: Any, name: str) -> Any:
    """The forward of a division with a whole result: integers by 0 raise, where NumPy would answer 0."""

    def forward(a: Any, b: Any) -> Any:
        array = a if hasattr(a, "dtype") else b
        if array.dtype.kind == "b":
            raise TypeError(f"{name}: booleans cannot be divided; cast them to integers first")
        if array.dtype.kind != "f":
            divided_by_0 = lambda: ZeroDivisionError(f"{name}: an integer is divided by 0")  # noqa: E731
            backend_of(array).require((array * 0 + b) != 0, divided_by_0)
        return function(a, b)

    return forward


def _truncated(a: Any, b: Any) -> Any:
    if (a if hasattr(a, "dtype") else b).dtype.kind == "f":
        return np.trunc(np.true_divide(a, b))
    q = np.floor_divide(a, b)
    return q + ((q * b != a) & ((a < 0) != (b < 0)))


_flat_twice = (lambda g, _y, _a, _b: np.zeros_like(g),) * 2
floor_divide: Binary = op(_by_nonzero(np.floor_divide, "floor_divide"), name="floor_divide", cast="promote")
div_floor_op: Binary = op(_by_nonzero(np.floor_divide, "div"), *_flat_twice, name="div_floor", cast="promote")
div_trunc_op: Binary = op(_by_nonzero(_truncated, "div"), *_flat_twice, name="div_trunc", cast="promote")
remainder: Binary = op(
    _by_nonzero(np.remainder, "remainder"), lambda g, _y, _a, _b: g, lambda g, _y, a, b: -g * np.floor_divide(a, b),
    name="remainder", cast="promote",
)


def add(input: T, other: Operand, *, alpha: Number = 1) -> T:
    """input + alpha * other, broadcast together. Raises TypeError for integers and a fractional alpha."""
    return add_op(input, other if alpha == 1 else _scaled(input, other, alpha, "add"))


def sub(input: T, other: Operand, *, alpha: Number = 1) -> T:
    """input - alpha * other, broadcast together. Raises TypeError for integers and a fractional alpha."""
    return sub_op(input, other if alpha == 1 else _scaled(input, other, alpha, "sub"))


def _scaled(input: Any, other: Any, alpha: Number, name: str) -> Any:
    """alpha * other, in the dtype that input and other combine to."""
    dtype = dtypes.result_type(input, other)
    if isinstance(alpha, float) and dtype.kind != "f":
        raise TypeError(f"{name}: alpha={alpha} does not fit the result's dtype {dtype}; use a whole number")
    if not hasattr(other, "dtype"):
        return other * alpha
    return mul(other if other.dtype == dtype else other.astype(dtype), dtype.type(alpha).item())


def div(input: T, other: Operand, *, rounding_mode: str | None = None) -> T:
    """input / other; integers divide to the default dtype. rounding_mode: None, "floor" or "trunc", with gradient 0.

    Raises ZeroDivisionError for rounded integer division by 0.
    """
    if rounding_mode is None:
        return div_op(input, other)
    if rounding_mode == "floor":
        return div_floor_op(input, other)
    if rounding_mode == "trunc":
        return div_trunc_op(input, other)
    raise ValueError(f"div: rounding_mode must be None, 'floor' or 'trunc', not {rounding_mode!r}")


def rsub(input: T, other: Operand) -> T:
    """other - input."""
    return sub_op(other, input)


def _rdiv(x: T, other: Any) -> T:
    return div_op(other, x)


# --------------------------------------------------------------------------------------------------------- powers


def _power_to(x: Any, *, exponent: Any) -> Any:
    return np.power(x, exponent)


def _power_to_vjp(g: Any, _y: Any, x: Any, *, exponent: Any) -> Any:
    if exponent == 0:
        return np.zeros_like(g)  # also at x = 0, where 0 * 0**-1 would be NaN
    return g * (exponent * np.power(x, exponent - 1))


def _power_of(x: Any, *, base: Any) -> Any:
    return np.power(base, x)


def _power_of_vjp(g: Any, y: Any, x: Any, *, base: Any) -> Any:
    if base == 0:  # 0**x is flat, and below 0 it is infinite
        return g * np.where(x >= 0, np.zeros_like(g), -math.inf)
    return g * (y * (math.log(base) if base > 0 else math.nan))


square: Unary = op(
    lambda x: x * x if x.dtype.kind != "b" else x.astype(dtypes.int64), lambda g, _y, x: g * (x + x), name="square"
)
power_to = op(_power_to, _power_to_vjp, name="pow")
power_of = op(_power_of, _power_of_vjp, name="rpow")
power: Binary = op(
    np.power,
    lambda g, _y, a, b: np.where(b == 0, 0, g * (b * np.power(a, b - 1))),
    lambda g, y, a, b: np.where((a == 0) & (b >= 0), 0, g * (y * np.log(a))),
    name="power", cast="promote",
)


def pow(input: T, exponent: Operand) -> T:
    """input ** exponent, each a tensor or a number.

    Raises ValueError for integers to a negative integer power, TypeError for booleans to the power of booleans.
    """
    if isinstance(exponent, np.generic):
        exponent = exponent.item()
    if isinstance(exponent, (int, float)):
        return _pow_number(input, exponent)
    if isinstance(input, np.generic):
        input = input.item()
    if isinstance(input, (int, float)):
        dtype = dtypes.result_type(input, exponent)
        _refuse_bools(dtype)
        return power_of(exponent if exponent.dtype == dtype else exponent.astype(dtype), base=input)
    _refuse_bools(dtypes.result_type(input, exponent))
    return power(input, exponent)


def _refuse_bools(dtype: Any) -> None:
    if dtype.kind == "b":
        raise TypeError("pow: booleans cannot be raised to booleans; cast one of them to integers first")


def _pow_number(x: Any, exponent: int | float) -> Any:
    dtype = dtypes.result_type(x, exponent)
    if dtype.kind == "b":
        return bitwise_or(x, not exponent)  # x ** True is x, x ** False is True
    if dtype.kind in "ui" and exponent < 0:
        raise ValueError(f"pow: integers (dtype {x.dtype}) cannot be raised to {exponent}; cast them to float first")
    if dtype != x.dtype:
        x = x.astype(dtype)
    return square(x) if exponent == 2 else power_to(x, exponent=exponent)


def rpow(input: Any, other: Any) -> Any:
    """other ** input."""
    return pow(other, input)


# -------------------------------------------------------------------------------------- functions of one variable

neg: Unary = op(np.negative, lambda g, _y, _x: -g, name="neg")
abs: Unary = op(np.absolute, lambda g, _y, x: g * np.sign(x), name="abs")
exp: Unary = op(np.exp, lambda g, y, _x: g * y, name="exp", cast="float")
log: Unary = op(np.log, lambda g, _y, x: g / x, name="log", cast="float")
log1p: Unary = op(np.log1p, lambda g, _y, x: g / (x + 1), name="log1p", cast="float")
expm1: Unary = op(np.expm1, lambda g, y, _x: g * (y + 1), name="expm1", cast="float")
sqrt: Unary = op(np.sqrt, lambda g, y, _x: g / (y + y), name="sqrt", cast="float")
rsqrt: Unary = op(lambda x: 1 / np.sqrt(x), lambda g, y, _x: g * (y * y * y * -0.5), name="rsqrt", cast="float")
reciprocal: Unary = op(np.reciprocal, lambda g, y, _x: -g * (y * y), name="reciprocal", cast="float")
sin: Unary = op(np.sin, lambda g, _y, x: g * np.cos(x), name="sin", cast="float")
cos: Unary = op(np.cos, lambda g, _y, x: -g * np.sin(x), name="cos", cast="float")
tan: Unary = op(np.tan, lambda g, y, _x: g * (y * y + 1), name="tan", cast="float")
tanh: Unary = op(np.tanh, lambda g, y, _x: g * (1 - y * y), name="tanh", cast="float")


def _of_floats(function: Any) -> Any:
    """Integers are whole already (NumPy and CuPy would return other dtypes for them)."""
    return lambda x: function(x) if x.dtype.kind == "f" else x.copy()


_flat = lambda g, _y, _x: np.zeros_like(g)  # noqa: E731 -- constant almost everywhere
# The sign of NaN is NaN; in PyTorch it is 0, which hides it.
sign: Unary = op(lambda x: np.sign(x) if x.dtype.kind != "b" else x.copy(), _flat, name="sign")
floor: Unary = op(_of_floats(np.floor), _flat, name="floor")
ceil: Unary = op(_of_floats(np.ceil), _flat, name="ceil")
trunc: Unary = op(_of_floats(np.trunc), _flat, name="trunc")


def _round(x: Any, *, decimals: int) -> Any:
    if x.dtype.kind != "f":
        return x.copy()
    if decimals == 0:
        return np.rint(x)
    if x.dtype == dtypes.float16:  # of which 10^5 is none
        return _round(x.astype(dtypes.float32), decimals=decimals).astype(x.dtype)
    power = x.dtype.type(10 ** math.fabs(decimals))
    return np.rint(x * power) / power if decimals > 0 else np.rint(x / power) * power


round_op = op(_round, lambda g, _y, _x, *, decimals: np.zeros_like(g), name="round")


def round(input: T, decimals: int = 0) -> T:
    """The nearest whole number, or multiple of 10^-decimals; halves go to the even one. The gradient is 0.

    Raises TypeError for integers with negative decimals.
    """
    if decimals < 0 and input.dtype.kind != "f":
        raise TypeError(f"round: {decimals} decimals need floating-point values, got dtype {input.dtype}; cast first")
    return round_op(input, decimals=decimals)


# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969): |x| <= 0.46875 by A/B,
# up to 4 by C/D, beyond by P/Q in 1/x^2; relative error below 1.2e-16 in exact arithmetic.
_A = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3)
_B = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_C = (
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
    8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
)
_D = (
    1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
)
_P = (
    1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4,
)
_Q = (
    1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
    2.33520497626869185e-3,
)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    result = coefficients[0]
    for c in coefficients[1:]:
        result = result * x + c
    return result


def _erf(x: Any) -> Any:
    if x.dtype == dtypes.float16:
        return _erf(x.astype(dtypes.float32)).astype(x.dtype)
    size = np.absolute(x)
    near = np.minimum(size, 0.46875)  # each piece is evaluated inside its own range only
    middle = np.maximum(np.minimum(size, 4.0), 0.46875)
    far = np.maximum(size, 4.0)
    square = near * near
    inner = near * _polynomial(_A, square) / _polynomial(_B, square)
    outer = 1 - np.exp(-middle * middle) * _polynomial(_C, middle) / _polynomial(_D, middle)
    inverse = 1 / (far * far)
    tail = inverse * _polynomial(_P, inverse) / _polynomial(_Q, inverse)
    beyond = 1 - np.exp(-far * far) * (1 / math.sqrt(math.pi) - tail) / far
    y = np.where(size <= 0.46875, inner, np.where(size <= 4.0, outer, beyond))
    return np.copysign(y, x)


erf: Unary = op(_erf, lambda g, _y, x: g * (np.exp(-(x * x)) * (2 / math.sqrt(math.pi))), name="erf", cast="float")

# ---------------------------------------------------------------------------------------------------- activations


def where_kept(keep: Any, g: Any) -> Any:
    """g where `keep` is true, else 0.

    On a CPU np.where takes a branch for each element, which it mispredicts every other time: a product with the bools
    takes a seventh of its time, and differs only where 0 meets an infinity or a NaN.
    """
    if g.__class__ is np.ndarray:
        y = g * keep
        if math.isfinite(np.add.reduce(y, axis=None)):
            return y
    return np.where(keep, g, 0)


def _sigmoid(x: Any) -> Any:
    """Full relative precision also far below 0, where the cheaper (1 + tanh(x/2)) / 2 cancels to nothing."""
    if not x.ndim:
        return 1 / (np.exp(-x) + 1)
    y = np.negative(x)  # one array from here on
    np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


sigmoid: Unary = op(_sigmoid, lambda g, y, _x: g * (y * (1 - y)), name="sigmoid", cast="float")
logsigmoid: Unary = op(
    lambda x: -np.logaddexp(0, -x), lambda g, _y, x: g * sigmoid(-x), name="logsigmoid", cast="float"
)
# False is a 0 that leaves a bool a bool; a NaN is not <= 0, and passes.
relu: Unary = op(lambda x: np.maximum(x, False), lambda g, y, _x: where_kept(~(y <= 0), g), name="relu")
silu: Unary = op(
    lambda x: x * sigmoid(x), lambda g, _y, x: g * _silu_slope(x, sigmoid(x)), name="silu", cast="float"
)


def _silu_slope(x: Any, s: Any) -> Any:
    return s * (x * (1 - s) + 1)


leaky_relu_op = op(
    lambda x, *, slope: np.where(x > 0, x, x * slope),
    lambda g, _y, x, *, slope: np.where(x > 0, g, g * slope),
    name="leaky_relu", cast="float",
)
elu_op = op(
    lambda x, *, alpha: np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * alpha),
    lambda g, _y, x, *, alpha: np.where(x > 0, g, g * (np.exp(np.minimum(x, 0)) * alpha)),
    name="elu", cast="float",
)
softplus_op = op(
    lambda x, *, beta, threshold: np.where(x * beta > threshold, x, np.logaddexp(0, x * beta) / beta),
    lambda g, _y, x, *, beta, threshold: np.where(x * beta > threshold, g, g * sigmoid(x * beta)),
    name="softplus", cast="float",
)
gelu_op = op(
    lambda x: x * ((erf(x * math.sqrt(0.5)) + 1) * 0.5),
    lambda g, _y, x: g * ((erf(x * math.sqrt(0.5)) + 1) * 0.5 + x * np.exp(x * x * -0.5) / math.sqrt(2 * math.pi)),
    name="gelu", cast="float",
)
_GELU_TANH = math.sqrt(2 / math.pi)


def _gelu_tanh(x: Any) -> Any:
    if x.dtype == dtypes.float16:  # whose cubes overflow from 41 on
        return _gelu_tanh(x.astype(dtypes.float32)).astype(x.dtype)
    return x * 0.5 * (np.tanh((x + x * x * x * 0.044715) * _GELU_TANH) + 1)


def _gelu_tanh_vjp(g: Any, _y: Any, x: Any) -> Any:
    if x.dtype == dtypes.float16:
        return _gelu_tanh_vjp(g.astype(dtypes.float32), None, x.astype(dtypes.float32)).astype(x.dtype)
    t = np.tanh((x + x * x * x * 0.044715) * _GELU_TANH)
    slope = (x * x * (3 * 0.044715) + 1) * _GELU_TANH
    return g * ((t + 1) * 0.5 + x * 0.5 * (1 - t * t) * slope)


gelu_tanh_op = op(_gelu_tanh, _gelu_tanh_vjp, name="gelu_tanh", cast="float")


def leaky_relu(input: T, negative_slope: float = 0.01) -> T:
    """x where x > 0, else negative_slope * x. Maas, Hannun and Ng 2013."""
    return leaky_relu_op(input, slope=negative_slope)


def elu(input: T, alpha: float = 1.0) -> T:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert, Unterthiner and Hochreiter 2016, eq. 15."""
    return elu_op(input, alpha=alpha)


def softplus(input: T, beta: float = 1.0, threshold: float = 20.0) -> T:
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x > threshold."""
    return softplus_op(input, beta=beta, threshold=threshold)


def gelu(input: T, approximate: str = "none") -> T:
    """x * Phi(x) with Phi the normal distribution function, or its tanh approximation. Hendrycks and Gimpel 2016."""
    if approximate == "none":
        return gelu_op(input)
    if approximate == "tanh":
        return gelu_tanh_op(input)
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', not {approximate!r}")


# ------------------------------------------------------------------------------------------------------ selection


def _clamp(x: Any, *, low: Any, high: Any) -> Any:
    if low is not None:
        x = np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _clamp_vjp(g: Any, _y: Any, x: Any, *, low: Any, high: Any) -> Any:
    inside = True if low is None else x >= low
    if high is not None:
        inside = (x <= high) & inside
    return np.where(inside, g, 0)


clamp_op = op(_clamp, _clamp_vjp, name="clamp")
where_op = op(
    np.where, None, lambda g, _y, c, _a, _b: np.where(c, g, 0), lambda g, _y, c, _a, _b: np.where(c, 0, g), name="where"
)


def clamp(input: T, min: Number | None = None, max: Number | None = None) -> T:
    """min where x < min, max where x > max, else x, with gradient 1 inside and at the ends.

    Unlike PyTorch's, the bounds are numbers only: for tensors use maximum and minimum.
    Raises TypeError for a bound that is no number, ValueError if both are missing.
    """
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and not isinstance(bound, (int, float, np.generic)):
            raise TypeError(
                f"clamp: {name} must be a number, not {type(bound).__name__}; use maximum and minimum for tensors"
            )
    if min is None and max is None:
        raise ValueError("clamp: give min, max or both")
    low = min.item() if isinstance(min, np.generic) else min
    high = max.item() if isinstance(max, np.generic) else max
    dtype = dtypes.result_type(input, *(b for b in (low, high) if b is not None))
    return clamp_op(input if input.dtype == dtype else input.astype(dtype), low=low, high=high)


def where(condition: T, input: Operand, other: Operand) -> T:
    """input where condition is true, else other, broadcast together."""
    if not hasattr(condition, "dtype"):
        raise TypeError(f"where: the condition must be a bool tensor, not {type(condition).__name__}")
    if condition.dtype != dtypes.bool_:
        raise TypeError(f"where: the condition has dtype {condition.dtype}; make it bool, for instance with != 0")
    input, other = (x.item() if isinstance(x, np.generic) else x for x in (input, other))
    dtype = dtypes.result_type(input, other)
    input, other = (x.astype(dtype) if hasattr(x, "dtype") and x.dtype != dtype else x for x in (input, other))
    if not hasattr(input, "dtype") and not hasattr(other, "dtype"):
        input = np.asarray(input, dtype) if not hasattr(condition, "face") else condition.new_tensor(input, dtype=dtype)
    return where_op(condition, input, other)


# ---------------------------------------------------------------------------------- comparison and logic, no vjps

eq_op: Binary = op(np.equal, name="eq", cast="promote")
ne_op: Binary = op(np.not_equal, name="ne", cast="promote")
lt: Binary = op(np.less, name="lt", cast="promote")
le: Binary = op(np.less_equal, name="le", cast="promote")
gt: Binary = op(np.greater, name="gt", cast="promote")
ge: Binary = op(np.greater_equal, name="ge", cast="promote")
logical_not: Unary = op(np.logical_not, name="logical_not")
logical_and: Binary = op(np.logical_and, name="logical_and")
logical_or: Binary = op(np.logical_or, name="logical_or")
logical_xor: Binary = op(np.logical_xor, name="logical_xor")
bitwise_not: Unary = op(np.invert, name="bitwise_not")
bitwise_and: Binary = op(np.bitwise_and, name="bitwise_and", cast="promote")
bitwise_or: Binary = op(np.bitwise_or, name="bitwise_or", cast="promote")
bitwise_xor: Binary = op(np.bitwise_xor, name="bitwise_xor", cast="promote")
isnan: Unary = op(np.isnan, name="isnan")
isinf: Unary = op(np.isinf, name="isinf")
isfinite: Unary = op(np.isfinite, name="isfinite")


def eq(input: T, other: Operand) -> T:
    """True where input equals other."""
    return eq_op(input, other)


def ne(input: T, other: Operand) -> T:
    """True where input differs from other."""
    return ne_op(input, other)
