"""Every op, by family. Ops are plain functions: on Tensors they record, on raw arrays they return raw arrays."""

from .cast import astype, clone, contiguous, to_device
from .elementwise import (
    abs, add, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, ceil, clamp, cos, div, elu, eq, erf, exp, expm1, floor,
    floor_divide, ge, gelu, gt, isfinite, isinf, isnan, le, leaky_relu, log, log1p, logical_and, logical_not,
    logical_or, logical_xor, logsigmoid, lt, maximum, minimum, mul, ne, neg, pow, reciprocal, relu, remainder, round,
    rsqrt, sigmoid, sign, silu, sin, softplus, sqrt, square, sub, tan, tanh, trunc, where,
)
from .index import gather, getitem, index_select, masked_fill, masked_select, max, min, one_hot, scatter_add
from .linalg import linear, matmul
from .reduce import (
    all, amax, amin, any, argmax, argmin, cumsum, log_softmax, logsumexp, mean, norm, prod, softmax, std, sum, var,
)
from .shape import (
    broadcast_to, cat, chunk, concatenate, expand, flatten, flip, movedim, pad, permute, reshape, split, squeeze, stack,
    transpose, tril, triu, unbind, unsqueeze, view,
)

__all__ = [
    "abs", "add", "all", "amax", "amin", "any", "argmax", "argmin", "astype", "bitwise_and", "bitwise_not",
    "bitwise_or", "bitwise_xor", "broadcast_to", "cat", "ceil", "chunk", "clamp", "clone", "concatenate", "contiguous",
    "cos", "cumsum", "div", "elu", "eq", "erf", "exp", "expand", "expm1", "flatten", "flip", "floor", "floor_divide",
    "gather", "ge", "gelu", "getitem", "gt", "index_select", "isfinite", "isinf", "isnan", "le", "leaky_relu", "linear",
    "log", "log1p", "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "logsigmoid", "logsumexp",
    "lt", "masked_fill", "masked_select", "matmul", "max", "maximum", "mean", "min", "minimum", "movedim", "mul", "ne",
    "neg", "norm", "one_hot", "pad", "permute", "pow", "prod", "reciprocal", "relu", "remainder", "reshape", "round",
    "rsqrt", "scatter_add", "sigmoid", "sign", "silu", "sin", "softmax", "softplus", "split", "sqrt", "square",
    "squeeze", "stack", "std", "sub", "sum", "tan", "tanh", "to_device", "transpose", "tril", "triu", "trunc", "unbind",
    "unsqueeze", "var", "view", "where",
]
