"""Laws as CUDA: the text, and that NVRTC compiles every program in kernels/ for every GPU generation."""

import ctypes
import importlib.metadata
import os
import re

import numpy as np
import pytest

from minigrad import kernels
from minigrad.kernels import law_from_text
from tests.kernels.choices import choices

OLDEST = "sm_75"
ARCHITECTURES = [OLDEST, *(pytest.param(name, marks=pytest.mark.slow) for name in ("sm_80", "sm_90", "sm_100"))]
C_TYPES = ["float", "double"]


def body(text, **flags):
    return [line.strip() for line in law_from_text(text, "law.cu", **flags).source("cuda").splitlines()]


# ---- the text


def test_values_are_loaded_once_and_stored_once():
    text = """// law(g | p, m, unused | lr)
p -= lr * g;
m += p * p;
p = p / m;
#if also
unused = p;
#endif
"""
    expected = """// minigrad_law, for each element of
// in:  T g_, T lr_
// out: T p_, T m_
{
    const T g = g_;
    const T lr = lr_;
    T p = p_;
    T m = m_;
    p = p - lr * g;
    m = m + p * p;
    p = p / m;
    p_ = p;
    m_ = m;
}
"""
    assert law_from_text(text, "law.cu").source("cuda") == expected
    assert law_from_text(text, "law.cu", also=True).source("cuda").startswith("// minigrad_law_also, ")


def test_a_marked_parameter_never_meets_a_name_of_the_law():
    source = body("// law(g, g_ | p | )\nT p_ = g * g_;\np -= p_;\n")
    assert source[1:3] == ["// in:  T g__, T g___", "// out: T p__"]
    assert "p__ = p;" in source


def test_what_is_only_read_under_these_flags_is_not_stored():
    text = "// law(g | p, m | )\np -= g * m;\n#if also\nm += g;\n#endif\n"
    assert "const T m = m_;" in body(text) and "m_ = m;" not in body(text)
    assert "T m = m_;" in body(text, also=True) and "m_ = m;" in body(text, also=True)


# what a statement becomes, and what comes before it
EXPRESSIONS = {
    "a + b * 2": ["a + b * T(2.0)"],
    "(a + b) * 0.05": ["(a + b) * T(0.05)"],
    "a - (b - 1)": ["a - (b - T(1.0))"],
    "a / (b / a)": ["a / (b / a)"],
    "a / b / a": ["a / b / a"],
    "a - -3": ["a - T(-3.0)"],
    "a - -(-b)": ["a - -(-b)"],
    "-(a + b)": ["-(a + b)"],
    "-a * b": ["-a * b"],
    "1e-8 + a + b": ["T(1e-08) + a + b"],
    "sqrt(a + b)": ["sqrt(a + b)"],
    "copysign(a, b - a)": ["copysign(a, b - a)"],
    "where(a < b, a, b)": ["a < b ? a : b"],
    "1 - where(a < b, a, b)": ["T(1.0) - (a < b ? a : b)"],
    "where(a < b, where(a == 0, 1, a), b)": ["a < b ? (a == T(0.0) ? T(1.0) : a) : b"],
    "where(both(a < b, both(a < 1, b != 2)), a, b)": ["a < b && a < T(1.0) && b != T(2.0) ? a : b"],
    "maximum(a, b)": ["a > b || a != a ? a : b"],
    "minimum(a, 0.5)": ["a < T(0.5) || a != a ? a : T(0.5)"],
    "maximum(0.5, a)": ["T(0.5) > a ? T(0.5) : a"],
    "maximum(a * b, -a) + 1": [
        "const T _t0 = a * b;",
        "const T _t1 = -a;",
        "(_t0 > _t1 || _t0 != _t0 ? _t0 : _t1) + T(1.0)",
    ],
    "sign(a)": ["a > T(0) ? T(1) : a < T(0) ? T(-1) : a"],
    "sign(sign(a))": [
        "const T _t0 = a > T(0) ? T(1) : a < T(0) ? T(-1) : a;",
        "_t0 > T(0) ? T(1) : _t0 < T(0) ? T(-1) : _t0",
    ],
}


@pytest.mark.parametrize("written", EXPRESSIONS)
def test_an_expression_in_c(written):
    names = [name for name in "ab" if name in re.findall(r"\w+", written)]
    lines = body(f"// law({', '.join(names)} | p | )\np = {written};\n")
    *before, value = EXPRESSIONS[written]
    start = lines.index("T p = p_;") + 1
    assert lines[start:] == [*before, f"p = {value};", "p_ = p;", "}"]


def test_a_truth_value_is_a_bool():
    assert "bool low = a < b && a < T(1.0);" in body(
        "// law(a, b | p | )\nbool low = both(a < b, a < 1);\np = where(low, a, b);\n"
    )


# ---- NVRTC


@pytest.fixture(scope="module")
def nvrtc():
    """NVIDIA's run-time compiler, which needs no GPU."""
    try:
        files = importlib.metadata.files("nvidia-cuda-nvrtc") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("nvidia-cuda-nvrtc is not installed")
    (library,) = [file for file in files if file.name.startswith("libnvrtc.so")]
    return ctypes.CDLL(str(library.locate()))


def compile_cuda(nvrtc, source, architecture, folders=()):
    """Compile to (PTX, machine code) with CuPy's options."""
    program = ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"laws.cu", 0, None, None) == 0
    options = [f"-arch={architecture}".encode(), b"-ftz=true", *(f"-I{folder}".encode() for folder in folders)]
    try:
        status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        log = answer(nvrtc, "ProgramLog", program).decode()
        assert status == 0, f"NVRTC refuses for {architecture}:\n{log}"
        assert "warning" not in log, log
        return answer(nvrtc, "PTX", program).decode(), answer(nvrtc, "CUBIN", program)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def answer(nvrtc, what, program):
    size = ctypes.c_size_t()
    assert getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
    text = ctypes.create_string_buffer(size.value)
    assert getattr(nvrtc, f"nvrtcGet{what}")(program, text) == 0
    return text.raw.rstrip(b"\0")


def kernel_around(law, c_type, name):
    """The law's body in a kernel as CuPy writes it, on contiguous arrays."""
    lowered = law._cupy_runner().lowered
    constant = [param.split()[1] for param in lowered.in_params.split(",") if param]
    inputs, scalars = constant[: len(law.inputs)], constant[len(law.inputs) :]
    updated = [param.split()[1] for param in lowered.out_params.split(",")]
    parameters = [f"const T *_raw_{name}" for name in inputs] + [f"const T {name}" for name in scalars]
    parameters += [f"T *_raw_{name}" for name in updated]
    references = [f"const T &{name} = _raw_{name}[i];" for name in inputs]
    references += [f"T &{name} = _raw_{name}[i];" for name in updated]
    return f"""
namespace of_{name} {{
typedef {c_type} T;
extern "C" __global__ void {name}({", ".join(parameters)}, long long _size) {{
  #pragma unroll 1
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < _size; i += gridDim.x * blockDim.x) {{
    {" ".join(references)}
{lowered.body};
  }}
}}
}}
"""


def entries(ptx):
    """The text of each kernel in PTX, by name."""
    parts = re.split(r"\.entry (\w+)\(", ptx)
    return dict(zip(parts[1::2], parts[2::2]))


def computes_in_double(kernel):
    return re.search(r"\.f64\b", kernel) is not None  # `%f64` would be a register


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", kernels.names())
def test_nvrtc_compiles_every_program(name, architecture, nvrtc):
    expected, laws, source = {}, {}, ""
    for number, law in enumerate(choices(name).values()):
        for c_type in C_TYPES:
            entry = f"{law._cupy_runner().lowered.name}_{number}_{c_type}"
            source += kernel_around(law, c_type, entry)
            expected[entry], laws[entry] = c_type, law
    ptx, machine_code = compile_cuda(nvrtc, source, architecture)
    found = entries(ptx)
    assert found.keys() == expected.keys()
    for entry, c_type in expected.items():
        assert entry.encode() in machine_code
        if c_type == "float" or "out=" in laws[entry].source("numpy"):  # what only copies may move 64 bits as an integer
            assert computes_in_double(found[entry]) == (c_type == "double"), f"{entry}:\n{found[entry]}"
        law = laws[entry]
        stored = [line for line in law.source("cuda").splitlines() if re.match(r" +\w+_ = \w+;", line)]
        assert found[entry].count("st.global") == len(stored) > 0
        assert 0 < found[entry].count("ld.global") <= len(law.inputs + law.updated)


@pytest.mark.parametrize("c_type", C_TYPES)
def test_nvrtc_compiles_what_cupy_makes_of_a_body(c_type, nvrtc):
    """CuPy's own text around the body of the longest program of each law, with CuPy's headers."""
    cupy = pytest.importorskip("cupy")  # the real one: it writes a kernel without a GPU
    from cupy._core import _carray, _kernel, _scalar

    if not hasattr(_kernel, "_get_elementwise_kernel_code"):
        pytest.skip("this CuPy does not show what it writes")
    dtype = {"float": np.float32, "double": np.float64}[c_type]
    array = _kernel._ArgInfo(1, cupy.ndarray, dtype, 1, True, True)
    number = _kernel._ArgInfo(3, _scalar.CScalar, dtype, 0, True, True)
    index = _kernel._ArgInfo(2, _carray.Indexer, None, 1, True, True)
    for name in kernels.names():
        law = max(choices(name).values(), key=lambda law: len(law.source("cuda")))
        lowered = law._cupy_runner().lowered
        kernel = cupy.ElementwiseKernel(lowered.in_params, lowered.out_params, lowered.body, lowered.name)
        ins, scalars, outs = len(law.inputs), len(law.scalars), len(law.updated)
        _, _, types = kernel._decide_params_type((dtype,) * ins + (None,) * scalars, (dtype,) * outs)
        arguments = (array,) * ins + (number,) * scalars + (array,) * outs + (index,)
        written = _kernel._get_elementwise_kernel_code(
            arguments, types, kernel.params, kernel.operation, kernel.name, kernel.preamble
        )
        folders = [os.path.join(os.path.dirname(cupy.__file__), "_core", "include"), cuda_headers()]
        ptx, _ = compile_cuda(nvrtc, "#include <cupy/carray.cuh>\n" + written, OLDEST, folders)
        found = entries(ptx)
        assert list(found) == [kernel.name]
        assert computes_in_double(found[kernel.name]) == (c_type == "double"), found[kernel.name]


def cuda_headers():
    try:
        files = importlib.metadata.files("nvidia-cuda-runtime") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("nvidia-cuda-runtime is not installed")
    (header,) = [file for file in files if file.name == "cuda_fp16.h"]
    return str(header.locate().parent)


def test_nvrtc_would_tell_of_double_precision(nvrtc):
    law = law_from_text("// law(g | p | lr)\np -= lr * g;\n", "law.cu")
    source = kernel_around(law, "float", "careless").replace("lr * g", "lr * g * 0.1")
    ptx, _ = compile_cuda(nvrtc, source, OLDEST)
    assert computes_in_double(entries(ptx)["careless"])
    with pytest.raises(AssertionError, match="NVRTC refuses for sm_75"):
        compile_cuda(nvrtc, source.replace("lr * g", "lr * gg"), OLDEST)


def test_every_function_is_of_the_arrays_own_type(nvrtc):
    value = "sqrt(g) + cbrt(h) + exp(g) * log(h) - fabs(copysign(s, g)) + maximum(g, sign(h))"
    law = law_from_text(f"// law(g, h | p | s)\np = {value};\n", "law.cu")
    ptx, _ = compile_cuda(nvrtc, kernel_around(law, "float", "every"), OLDEST)
    assert not computes_in_double(entries(ptx)["every"])
    assert "sqrt.rn.ftz.f32" in ptx and "sqrt.approx" not in ptx
