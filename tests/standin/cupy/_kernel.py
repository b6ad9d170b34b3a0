"""`cupy.ElementwiseKernel`: the body it is given, compiled by the machine's C compiler and run over the elements."""

import contextlib
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile

import numpy as np
import pytest

from ._launch import Memory, check_devices, check_operand

# What CUDA C++ has and C has not: the type's constructor, and functions that go by the type of what they are given.
PRELUDE = """
#define bool _Bool
#define T(number) ((T)(number))
#define BY_TYPE(name, x) _Generic((x), float: name##f, double: name)
float sqrtf(float), cbrtf(float), expf(float), logf(float), fabsf(float), copysignf(float, float);
double sqrt(double), cbrt(double), exp(double), log(double), fabs(double), copysign(double, double);
#define sqrt(x) BY_TYPE(sqrt, x)(x)
#define cbrt(x) BY_TYPE(cbrt, x)(x)
#define exp(x) BY_TYPE(exp, x)(x)
#define log(x) BY_TYPE(log, x)(x)
#define fabs(x) BY_TYPE(fabs, x)(x)
#define copysign(x, y) BY_TYPE(copysign, (x) + (y))(x, y)
"""
C_TYPES = {"f": "float", "d": "double"}
# No contraction: a fused multiply-add rounds once where NumPy rounds twice.
OPTIONS = ("-std=c11", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-w")

_compiled = {}  # the functions, by their names
_stack = contextlib.ExitStack()  # holds the folder of compiled libraries until the interpreter ends


def compiler():
    """The C compiler's path, or None where there is none."""
    return shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")


def compile_kernels(kernels):
    """Compile kernels, pairs of an ElementwiseKernel and a dtype, in one go: every run of the compiler takes long."""
    sources = {}
    for kernel, dtype in kernels:
        name, source = kernel._source(np.dtype(dtype).char)
        if name not in _compiled:
            sources[name] = source
    if not sources:
        return
    if compiler() is None:
        pytest.skip("the stand-in's ElementwiseKernel needs a C compiler: install cc or gcc, or set CC")
    folder = _stack.enter_context(tempfile.TemporaryDirectory(prefix="standin-cupy-"))
    path = os.path.join(folder, "kernels.c")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PRELUDE + "".join(sources.values()))
    library = os.path.join(folder, "kernels.so")
    done = subprocess.run([compiler(), *OPTIONS, path, "-o", library, "-lm"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the C compiler refused {', '.join(sources)}:\n{done.stderr}")
    loaded = ctypes.CDLL(library)
    _compiled.update({name: getattr(loaded, name) for name in sources})


class ElementwiseKernel:
    """A kernel of the parameters `T name`, all of one type, float32 or float64, on contiguous arrays of one shape."""

    def __init__(self, in_params, out_params, operation, name="kernel", reduce_dims=True, preamble="", no_return=False,
                 return_tuple=False, **kwargs):
        if preamble or return_tuple or not reduce_dims or kwargs:
            raise NotImplementedError("the stand-in's ElementwiseKernel knows only bodies, names and no_return")
        self.in_params, self.out_params = _names(in_params), _names(out_params)
        self.operation, self.name, self.no_return = operation, name, no_return
        self.nin, self.nout = len(self.in_params), len(self.out_params)
        self.launches = 0

    def __call__(self, *args, size=None, stream=None, block_size=128):
        if size is not None or stream is not None:
            raise NotImplementedError("the stand-in's ElementwiseKernel takes neither size nor stream")
        if len(args) != self.nin + self.nout:  # CuPy makes outputs that are not given; nobody here asks for it
            raise TypeError(f"Wrong number of arguments for {self.name!r}. It must be {self.nin + self.nout}, "
                            f"but given {len(args)}.")
        dtype = self._check(args)
        function = self._function(dtype.char)
        hosts = [value._host if isinstance(value, Memory) else _as_number(value, dtype) for value in args]
        strides = [int(isinstance(value, Memory)) for value in args]  # a number is the same for every element
        size = args[-1].size
        if size:
            self.launches += 1
            count = len(args)
            function(ctypes.c_long(size), (ctypes.c_long * count)(*strides),
                     (ctypes.c_void_p * count)(*(host.ctypes.data for host in hosts)))
        if not self.no_return:
            return args[self.nin] if self.nout == 1 else tuple(args[self.nin:])

    def _check(self, args):
        """The type of all arrays; raises for what CuPy refuses, and for what is beyond the stand-in."""
        for value in args:
            check_operand(value)
        if not all(isinstance(value, Memory) for value in args[self.nin:]):
            raise TypeError("Output arguments type must be cupy.ndarray")
        if not self.nout:
            raise NotImplementedError("the stand-in's ElementwiseKernel writes to at least one array")
        arrays = [value for value in args if isinstance(value, Memory)]
        check_devices(arrays)
        first = arrays[-1]
        for name, value in zip(self.in_params + self.out_params, args):
            if isinstance(value, Memory) and value.dtype != first.dtype:
                raise TypeError(f"Type is mismatched. {name} {value.dtype} {first.dtype} T")
        if any(array.shape != first.shape or not array.flags.c_contiguous for array in arrays):
            raise NotImplementedError("the stand-in's ElementwiseKernel takes contiguous arrays of one shape")
        if first.dtype.char not in C_TYPES:
            raise NotImplementedError(f"the stand-in's ElementwiseKernel takes float32 and float64, not {first.dtype}")
        return first.dtype

    def _function(self, char):
        name, _ = self._source(char)
        if name not in _compiled:
            compile_kernels([(self, char)])
        return _compiled[name]

    def _source(self, char):
        """The C function's name, which tells its text from any other, and the text. Inputs are constant, as in CuPy."""
        # A parameter's name means the element itself: CuPy has references here, which are looked up on every mention.
        names = self.in_params + self.out_params
        lines = [f"    typedef {C_TYPES[char]} T;", "    for (long i = 0; i < _n; ++i) {"]
        for place, name in enumerate(names):
            kind = "const T" if place < self.nin else "T"
            lines.append(f"        {kind} *const _at_{name} = ({kind} *)_data[{place}] + i * _strides[{place}];")
        lines += [f"#define {name} (*_at_{name})" for name in names]
        lines += [self.operation, "        ;", "    }"]
        lines += [f"#undef {name}" for name in names]
        text = "\n".join(lines)
        name = "kernel_" + hashlib.sha256(text.encode()).hexdigest()[:24]
        return name, f"void {name}(long _n, const long *_strides, void **_data)\n{{\n{text}\n}}\n"


def _as_number(value, dtype):
    """A Python or NumPy number in the arrays' own type, in memory of its own."""
    with np.errstate(all="ignore"):
        return np.array(value).astype(dtype)


def _names(params):
    """The names in `T a, T b`."""
    split = [param.split() for param in params.split(",") if param.strip()]
    for words in split:
        if len(words) != 2 or words[0] != "T":
            raise NotImplementedError(f"the stand-in's ElementwiseKernel knows parameters `T name`, not {words}")
        if words[1] == "i":
            raise ValueError("Can not use 'i' as a parameter name")
    return [name for _, name in split]
