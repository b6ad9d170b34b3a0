"""The names that CuPy 14 has, as far as the stand-in carries them, and its signatures where they are its own.

Only facts: which names there are and which parameters they take. A parameter that NumPy has and CuPy lacks
(`where=`, `initial=`, `stable=`, `order=` ...) is missing here, and so refused. tests/test_standin.py holds every
line against the real CuPy, where that is installed.
"""

UFUNCS = """
abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh
bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1 fabs float_power floor
floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot invert isfinite isinf isnan lcm ldexp
left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor
maximum minimum mod modf multiply negative nextafter not_equal positive pow power rad2deg radians reciprocal remainder
right_shift rint sign signbit sin sinh sqrt square subtract tan tanh true_divide trunc
"""

# Made on the current device out of scalars and shapes.
CREATION = """
zeros(shape, dtype=float, order='C')
ones(shape, dtype=float, order='C')
empty(shape, dtype=float, order='C')
full(shape, fill_value, dtype=None, order='C')
eye(N, M=None, k=0, dtype=float, order='C')
identity(n, dtype=float)
arange(start, stop=None, step=1, dtype=None)
linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0)
logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0)
tri(N, M=None, k=0, dtype=float)
tril_indices(n, k=0, m=None)
triu_indices(n, k=0, m=None)
diag_indices(n, ndim=2)
indices(dimensions, dtype=int)
"""

# Kernels on one array or several; the first argument is an array, or a sequence of nothing but arrays.
FUNCTIONS = """
zeros_like(a, dtype=None, order='K')
ones_like(a, dtype=None, order='K')
empty_like(prototype, dtype=None, order='K')
full_like(a, fill_value, dtype=None, order='K')
sum(a, axis=None, dtype=None, out=None, keepdims=False)
prod(a, axis=None, dtype=None, out=None, keepdims=False)
mean(a, axis=None, dtype=None, out=None, keepdims=False)
var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
max(a, axis=None, out=None, keepdims=False)
min(a, axis=None, out=None, keepdims=False)
amax(a, axis=None, out=None, keepdims=False)
amin(a, axis=None, out=None, keepdims=False)
ptp(a, axis=None, out=None, keepdims=False)
argmax(a, axis=None, dtype=None, out=None, keepdims=False)
argmin(a, axis=None, dtype=None, out=None, keepdims=False)
any(a, axis=None, out=None, keepdims=False)
all(a, axis=None, out=None, keepdims=False)
nansum(a, axis=None, dtype=None, out=None, keepdims=False)
nanmean(a, axis=None, dtype=None, out=None, keepdims=False)
nanmax(a, axis=None, out=None, keepdims=False)
nanmin(a, axis=None, out=None, keepdims=False)
cumsum(a, axis=None, dtype=None, out=None)
cumprod(a, axis=None, dtype=None, out=None)
count_nonzero(a, axis=None)
median(a, axis=None, out=None, overwrite_input=False, keepdims=False)
average(a, axis=None, weights=None, returned=False, *, keepdims=False)
quantile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False)
percentile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False)
histogram(x, bins=10, range=None, density=False, weights=None)
bincount(x, weights=None, minlength=None)
digitize(x, bins, right=False)
searchsorted(a, v, side='left', sorter=None)
unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True)
isin(element, test_elements, assume_unique=False, invert=False)
nonzero(a)
flatnonzero(a)
argwhere(a)
unravel_index(indices, dims, order='C')
compress(condition, a, axis=None, out=None)
concatenate(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
concat(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
stack(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
vstack(tup, *, dtype=None, casting='same_kind')
hstack(tup, *, dtype=None, casting='same_kind')
dstack(tup)
column_stack(tup)
append(arr, values, axis=None)
tile(A, reps)
repeat(a, repeats, axis=None)
roll(a, shift, axis=None)
pad(array, pad_width, mode='constant', **kwargs)
tril(m, k=0)
triu(m, k=0)
diag(v, k=0)
diagflat(v, k=0)
trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None)
meshgrid(*xi, **kwargs)
ix_(*args)
dot(a, b, out=None)
vdot(a, b)
inner(a, b)
outer(a, b, out=None)
tensordot(a, b, axes=2)
kron(a, b)
cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None)
clip(a, a_min, a_max, out=None)
round(a, decimals=0, out=None)
around(a, decimals=0, out=None)
isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
array_equal(a1, a2, equal_nan=False)
nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None)
diff(a, n=1, axis=-1, prepend=None, append=None)
isposinf(x, out=None)
isneginf(x, out=None)
angle(z, deg=False)
copyto(dst, src, casting='same_kind', where=None)
fill_diagonal(a, val, wrap=False)
extract(condition, a)
cumulative_sum(x, /, *, axis=None, dtype=None, out=None, include_initial=False)
cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False)
"""

# As above; the result is a view wherever strides can express it.
VIEWS = """
reshape(a, newshape, order='C', *, copy=None)
ravel(a, order='C')
transpose(a, axes=None)
permute_dims(a, axes=None)
matrix_transpose(x, /)
swapaxes(a, axis1, axis2)
moveaxis(a, source, destination)
rollaxis(a, axis, start=0)
expand_dims(a, axis)
squeeze(a, axis=None)
broadcast_to(array, shape)
broadcast_arrays(*args)
split(ary, indices_or_sections, axis=0)
array_split(ary, indices_or_sections, axis=0)
hsplit(ary, indices_or_sections)
vsplit(ary, indices_or_sections)
flip(a, axis=None)
fliplr(a)
flipud(a)
rot90(a, k=1, axes=(0, 1))
atleast_1d(*arys)
atleast_2d(*arys)
atleast_3d(*arys)
diagonal(a, offset=0, axis1=0, axis2=1)
real(val)
imag(val)
"""

# Methods of an array that are the function of the same name; `self` stands for the array.
METHODS = """
sum(self, axis=None, dtype=None, out=None, keepdims=False)
prod(self, axis=None, dtype=None, out=None, keepdims=False)
mean(self, axis=None, dtype=None, out=None, keepdims=False)
var(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
std(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
max(self, axis=None, out=None, keepdims=False)
min(self, axis=None, out=None, keepdims=False)
ptp(self, axis=None, out=None, keepdims=False)
argmax(self, axis=None, out=None, dtype=None, keepdims=False)
argmin(self, axis=None, out=None, dtype=None, keepdims=False)
any(self, axis=None, out=None, keepdims=False)
all(self, axis=None, out=None, keepdims=False)
cumsum(self, axis=None, dtype=None, out=None)
cumprod(self, axis=None, dtype=None, out=None)
round(self, decimals=0, out=None)
trace(self, offset=0, axis1=0, axis2=1, dtype=None, out=None)
diagonal(self, offset=0, axis1=0, axis2=1)
repeat(self, repeats, axis=None)
ravel(self, order='C')
squeeze(self, axis=None)
swapaxes(self, axis1, axis2)
searchsorted(self, v, side='left', sorter=None)
nonzero(self)
dot(self, b, out=None)
"""

# The same objects as NumPy's in CuPy.
FROM_NUMPY = """
bool bool_ byte cdouble complex128 complex64 complexfloating csingle double dtype finfo float16 float32 float64
floating generic half iinfo inexact int16 int32 int64 int8 int_ intc integer intp long longlong ndindex number short
signedinteger single ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong unsignedinteger ushort
e euler_gamma inf nan newaxis pi issubdtype isdtype promote_types broadcast_shapes
"""
