"""Activations as modules and as functions, against PyTorch."""
import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
# (module, its arguments, function, its arguments)
CASES = [
    ("Tanh", {}, "tanh"), ("Sigmoid", {}, "sigmoid"), ("LogSigmoid", {}, "logsigmoid"), ("Softplus", {}, "softplus"),
    ("Softplus", {"beta": 2.5, "threshold": 3.0}, "softplus"), ("ReLU", {}, "relu"), ("LeakyReLU", {}, "leaky_relu"),
    ("LeakyReLU", {"negative_slope": 0.3}, "leaky_relu"), ("ELU", {}, "elu"), ("ELU", {"alpha": 0.4}, "elu"),
    ("GELU", {}, "gelu"), ("GELU", {"approximate": "tanh"}, "gelu"), ("SiLU", {}, "silu"),
    ("Softmax", {"dim": 0}, "softmax"), ("Softmax", {"dim": -1}, "softmax"), ("LogSoftmax", {"dim": 1}, "log_softmax"),
    ("Softmin", {"dim": 0}, "softmin"), ("Softmin", {"dim": -1}, "softmin"),
    ("GLU", {}, "glu"), ("GLU", {"dim": -1}, "glu"), ("Mish", {}, "mish"), ("SELU", {}, "selu"),
    ("CELU", {}, "celu"), ("CELU", {"alpha": 0.25}, "celu"), ("CELU", {"alpha": -2.0}, "celu"),
    ("Softsign", {}, "softsign"), ("Tanhshrink", {}, "tanhshrink"),
    ("Softshrink", {}, "softshrink"), ("Softshrink", {"lambd": 1.0}, "softshrink"),
    ("Hardshrink", {}, "hardshrink"), ("Hardshrink", {"lambd": 1.0}, "hardshrink"),
    ("Threshold", {"threshold": 1.0, "value": -4.0}, "threshold"),
    ("Threshold", {"threshold": 0, "value": 3}, "threshold"),
    ("ReLU6", {}, "relu6"), ("Hardtanh", {}, "hardtanh"), ("Hardtanh", {"min_val": -0.5, "max_val": 19}, "hardtanh"),
    ("Hardswish", {}, "hardswish"), ("RReLU", {}, "rrelu"), ("RReLU", {"lower": 0.25, "upper": 0.75}, "rrelu"),
]
LARGE = [-1e3, -90.0, -25.0, -3.0, -1.0, -0.5, -1e-3, -0.0, 0.0, 1e-3, 0.5, 1.0, 3.0, 6.0, 19.0, 25.0, 90.0, 1e30]


def compare(torch, ours, theirs, x, dtype, rng):
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    upstream = rng.standard_normal(y.shape).astype(dtype)
    y.backward(minigrad.tensor(upstream))
    z.backward(torch.tensor(upstream))
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("module", "options", "function"), CASES)
def test_agrees_with_pytorch(torch, rng, module, options, function, dtype):
    inputs = [rng.standard_normal((3, 4)) * 3, rng.standard_normal((2, 3, 4)), np.array([LARGE, LARGE[::-1]])]
    for x in (x.astype(dtype) for x in inputs):
        ours, theirs = getattr(nn, module)(**options).eval(), getattr(torch.nn, module)(**options).eval()
        compare(torch, ours, theirs, x, dtype, rng)
        theirs = getattr(torch.nn.functional, function)
        compare(torch, lambda a: getattr(F, function)(a, **options), lambda b: theirs(b, **options), x, dtype, rng)


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)])
@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_default_dim_is_pytorchs(torch, rng, function, shape):
    x = rng.standard_normal(shape)
    theirs = getattr(torch.nn.functional, function.__name__)(torch.tensor(x))
    np.testing.assert_allclose(function(minigrad.tensor(x)).numpy(), theirs.numpy(), rtol=1e-12)
    module = nn.Softmax() if function is F.softmax else nn.LogSoftmax()
    np.testing.assert_allclose(module(minigrad.tensor(x)).numpy(), theirs.numpy(), rtol=1e-12)


def test_softmax_in_another_dtype():
    y = F.softmax(minigrad.tensor([1, 1]), dim=0, dtype=minigrad.float64)
    assert y.dtype == "float64" and y.tolist() == [0.5, 0.5]
    assert F.log_softmax(minigrad.tensor([0.0]), 0, "float64").dtype == "float64"


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_hardsigmoid_agrees_with_pytorch(torch, dtype):
    """But for its slope, 1/6, which PyTorch has in single precision only."""
    for ours in (nn.Hardsigmoid(), F.hardsigmoid):
        x = minigrad.tensor(LARGE, dtype=dtype, requires_grad=True)
        y, z = ours(x), torch.nn.functional.hardsigmoid(torch.tensor(LARGE, dtype=getattr(torch, dtype)))
        np.testing.assert_allclose(y.detach().numpy(), z.numpy(), rtol=TOLERANCE[dtype], strict=True)
        y.backward(minigrad.full(y.shape, 3.0, dtype=dtype))
        np.testing.assert_array_equal(x.grad.numpy(), np.where(np.abs(LARGE) < 3, 0.5, 0))


INPLACE = {
    nn.ReLU: F.relu, nn.LeakyReLU: F.leaky_relu, nn.ELU: F.elu, nn.SiLU: F.silu, nn.ReLU6: F.relu6, nn.SELU: F.selu,
    nn.CELU: F.celu, nn.Mish: F.mish, nn.Hardsigmoid: F.hardsigmoid, nn.Hardswish: F.hardswish,
    nn.Hardtanh: F.hardtanh, nn.RReLU: F.rrelu, nn.Threshold: F.threshold,
}  # fmt: skip


@pytest.mark.parametrize("module", INPLACE)
def test_inplace_changes_no_input(torch, module):
    x = minigrad.tensor([-1.0, 2.0])
    args = (0.5, 7.0) if module is nn.Threshold else ()
    y = module(*args, inplace=True).eval()(x)
    assert x.tolist() == [-1.0, 2.0] and y.tolist() == module(*args).eval()(x).tolist()
    assert INPLACE[module](x, *args, inplace=True).tolist() == y.tolist() and x.tolist() == [-1.0, 2.0]
    for inplace in (False, True):
        assert repr(module(*args, inplace=inplace)) == repr(getattr(torch.nn, module.__name__)(*args, inplace=inplace))


ELEMENTWISE = [module for module in vars(nn).values() if isinstance(module, type) and issubclass(module, nn.Activation)
               and module is not nn.Activation]


def made(module):
    return nn.Threshold(0.5, 7.0) if module is nn.Threshold else module()


@pytest.mark.parametrize("module", ELEMENTWISE)
def test_nan_and_half_precision(torch, module):
    """A NaN stays visible; halves are as good as single precision rounded, and so are their gradients."""
    assert made(module)(minigrad.tensor([np.nan, 1.0])).isnan().tolist() == [True, False]
    values = np.array([-60000, -300, -20, -9, -2.5, -0.7, -0.01, 0.01, 0.7, 2.5, 9, 20, 300, 60000], "float16")
    theirs = torch.nn.Threshold(0.5, 7.0) if module is nn.Threshold else getattr(torch.nn, module.__name__)()
    x, t = minigrad.tensor(values, requires_grad=True), torch.tensor(values.astype("float32"), requires_grad=True)
    y, z = made(module).eval()(x), theirs.eval()(t)
    y.sum().backward(), z.sum().backward()
    assert y.dtype == x.grad.dtype == "float16"
    near = {"rtol": 4e-3, "atol": 4e-3}
    np.testing.assert_allclose(y.detach().numpy().astype("float64"), z.detach().numpy(), **near)
    np.testing.assert_allclose(x.grad.numpy().astype("float64"), t.grad.numpy(), **near)


def test_there_are_many_activations():
    assert len(ELEMENTWISE) >= 22 and not {nn.PReLU, nn.GLU, nn.Softmax, nn.Softmax2d} & set(ELEMENTWISE)


@pytest.mark.parametrize("module", ELEMENTWISE)
def test_infinities_are_as_in_pytorch(torch, module):
    """Values only; what is 0 * inf there is NaN here too."""
    x = np.array([-np.inf, np.inf])
    theirs = torch.nn.Threshold(0.5, 7.0) if module is nn.Threshold else getattr(torch.nn, module.__name__)()
    np.testing.assert_allclose(made(module).eval()(minigrad.tensor(x)).numpy(), theirs.eval()(torch.tensor(x)).numpy())


@pytest.mark.parametrize("name", ["mish", "selu", "softsign", "tanhshrink", "celu"])
def test_small_values_keep_their_precision(name):
    """Longhand in extended precision, relative to the value: nothing cancels near 0, or vanishes far below it."""
    x = np.array([-80, -30, -10, -1e-3, -1e-5, 1e-5, 1e-3, 30, 80], np.longdouble)
    exact = {
        "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))), "softsign": lambda x: x / (1 + abs(x)),
        "selu": lambda x: np.where(x > 0, 1, np.longdouble("1.6732632423543772848170429916717"))
        * np.where(x > 0, x, np.expm1(x)) * np.longdouble("1.0507009873554804934193349852946"),
        "tanhshrink": lambda x: x - np.tanh(x), "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    }[name](x)
    y = getattr(F, name)(minigrad.tensor(x.astype("float64")))
    tolerance = 2e-5 if name == "tanhshrink" else 1e-14  # of which x^3 / 3 is left of x at 1e-5
    np.testing.assert_allclose(y.numpy().astype(np.longdouble), exact, rtol=tolerance)


def test_mish_has_its_second_derivative_at_0():
    """Where it is pieced together. Longhand: 2 * d/dx tanh(softplus(x)) at 0 = (1 - 0.6^2) * 2 / 2 = 0.64."""
    x = minigrad.tensor([0.0], dtype="float64", requires_grad=True)
    (g,) = minigrad.grad(F.mish(x).sum(), x, create_graph=True)
    (h,) = minigrad.grad(g.sum(), x)
    assert g.item() == pytest.approx(0.6, rel=1e-15) and h.item() == pytest.approx(0.64, rel=1e-15)


def test_softsigns_slope_far_from_0():
    """1 / (1 + |x|)^2, whose square does not fit the dtype where the slope still does."""
    for dtype, x in (("float16", 300.0), ("float32", -1e20)):
        a = minigrad.tensor([x], dtype=dtype, requires_grad=True)
        F.softsign(a).sum().backward()
        np.testing.assert_allclose(a.grad.numpy().astype("float64"), [(1 + abs(x)) ** -2.0], rtol=0.01)


def test_selus_fixed_point_is_mean_0_and_variance_1(rng):
    """Klambauer et al. 2017: standard normal numbers come out with mean 0 and variance 1."""
    y = F.selu(minigrad.tensor(rng.standard_normal(400_000))).numpy()
    assert abs(y.mean()) < 5 / np.sqrt(y.size) and abs(y.var() - 1) < 5 * np.sqrt(3 / y.size)


# ---------------------------------------------------------------------------------------------- PReLU, RReLU, Softmax2d


@pytest.mark.parametrize(("shape", "slopes"), [
    ((), ()), ((), (1,)), ((4,), (1,)), ((3, 4), (4,)), ((3, 4), (1,)), ((3, 4), ()), ((2, 3, 4), (3,)), ((0, 3), (3,)),
    ((2, 3, 2, 2), (3,)), ((2, 1, 3), (1,)), ((2, 3, 3), (3,))])
def test_prelu_agrees_with_pytorch(torch, rng, shape, slopes):
    if shape == () and slopes == ():  # of which PyTorch says that it is not allowed
        assert F.prelu(minigrad.tensor(-2.0), minigrad.tensor(0.5)).item() == -1
        return
    x, w = rng.standard_normal(shape), rng.standard_normal(slopes)
    a, b = (minigrad.tensor(v, requires_grad=True) for v in (x, w))
    c, d = (torch.tensor(v, requires_grad=True) for v in (x, w))
    y, z = F.prelu(a, b), torch.nn.functional.prelu(c, d)
    upstream = np.asarray(rng.standard_normal(y.shape))
    y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
    for ours, theirs in ((y.detach(), z.detach()), (a.grad, c.grad), (b.grad, d.grad)):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, atol=1e-12, strict=True)


def test_prelu_starts_at_init():
    assert nn.PReLU().weight.tolist() == [0.25] and nn.PReLU(2, init=0.5, dtype="float64").weight.tolist() == [0.5, 0.5]
    layer = nn.PReLU(2, 0.1)
    assert layer.weight.dtype == "float32" and list(layer.state_dict()) == ["weight"]
    with minigrad.no_grad():
        layer.weight += 3
    layer.reset_parameters()
    np.testing.assert_allclose(layer.weight.detach().numpy(), [0.1, 0.1], rtol=1e-7)


@pytest.fixture
def seeded():
    state = minigrad.default_generator.get_state()
    minigrad.manual_seed(7)
    yield
    minigrad.default_generator.set_state(state)


@pytest.mark.parametrize(("lower", "upper"), [(1 / 8, 1 / 3), (0.2, 0.9), (-0.5, 0.5)])
def test_rrelu_draws_a_slope_for_each_element_and_keeps_it_for_the_gradient(rng, seeded, lower, upper):
    """Uniform on [lower, upper): mean (l + u) / 2, variance (u - l)^2 / 12, over 200 draws of 500."""
    layer, x = nn.RReLU(lower, upper).train(), minigrad.tensor(rng.standard_normal(500), requires_grad=True)
    off, slopes = x.numpy(force=True) <= 0, []
    for _ in range(200):
        x.grad = None
        y = layer(x)
        y.backward(minigrad.full(y.shape, 2.0, dtype=y.dtype))
        a = y.detach().numpy() / x.numpy(force=True)
        np.testing.assert_allclose(x.grad.numpy(), 2 * a, rtol=1e-12)
        assert (a[~off] == 1).all()
        slopes.append(a[off])
    slopes, width = np.concatenate(slopes), upper - lower
    assert slopes.min() >= lower - 1e-12 and slopes.max() < upper + 1e-12
    assert slopes.min() < lower + 1e-3 * width and slopes.max() > upper - 1e-3 * width
    assert abs(slopes.mean() - (lower + upper) / 2) < 4 * width / np.sqrt(12 * slopes.size)
    assert abs(slopes.var() - width**2 / 12) < 4 * width**2 / np.sqrt(180 * slopes.size)


def test_rrelu_is_repeated_by_the_seed_and_sure_in_evaluation(device):
    layer, x = nn.RReLU(), minigrad.full((50,), -1.0, device=device)

    def draw():
        minigrad.manual_seed(3)
        return layer(x)

    first = draw()
    assert first.device == x.device and len(set(first.tolist())) > 40
    assert draw().tolist() == first.tolist() != layer(x).tolist()
    before = minigrad.default_generator.get_state()
    np.testing.assert_allclose(layer.eval()(x).cpu().numpy(), np.full(50, -(1 / 8 + 1 / 3) / 2), rtol=1e-6)
    assert minigrad.default_generator.get_state() == before
    assert F.rrelu(x, 0.5, 0.5, training=True).tolist() == [-0.5] * 50


def test_softmax2d_is_over_channels(rng):
    for shape, axis in (((2, 3, 4, 5), 1), ((3, 4, 5), 0)):
        x = rng.standard_normal(shape)
        expected = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
        np.testing.assert_allclose(nn.Softmax2d()(minigrad.tensor(x)).numpy(), expected, rtol=1e-12)


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("function", [
    F.tanh, F.sigmoid, F.logsigmoid, F.softplus, F.relu, F.leaky_relu, F.elu, F.gelu, F.silu, F.softmax, F.log_softmax,
    F.softmin, F.relu6, F.selu, F.celu, F.mish, F.softsign, F.softshrink, F.hardshrink, F.tanhshrink, F.hardsigmoid,
    F.hardswish, F.hardtanh, F.rrelu, F.glu])
@pytest.mark.parametrize("value", [[1.0], 2.0, np.ones(2), None])
def test_only_tensors_are_taken(function, value):
    with pytest.raises(TypeError, match=f"{function.__name__} takes a Tensor, not {type(value).__name__}"):
        function(value)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_integers_are_refused(dtype):
    x = minigrad.ones(2, 2, dtype=dtype)
    for name in ("relu6", "selu", "celu", "mish", "softsign", "softshrink", "hardshrink", "tanhshrink", "hardsigmoid",
                 "hardswish", "hardtanh", "rrelu", "glu", "softmin"):
        with pytest.raises(TypeError, match=f"^{name}: needs floating-point values, got dtype {dtype}"):
            getattr(F, name)(x)
    with pytest.raises(TypeError, match=f"^threshold: .* {dtype}"):
        F.threshold(x, 1, 2)
    with pytest.raises(TypeError, match=f"^prelu: .* {dtype}"):
        F.prelu(x, minigrad.ones(1))


X = minigrad.ones(2, 3)
BAD = [
    (lambda: nn.GELU("erf"), ValueError, "'erf'"),
    (lambda: F.gelu(minigrad.ones(1), approximate="erf"), ValueError, "'erf'"),
    (lambda: nn.LogSoftmax(dim=2)(X), IndexError, "dim 2"),
    (lambda: F.log_softmax(minigrad.tensor([1, 2]), dim=0), TypeError, "int64"),
    (lambda: nn.CELU(0), ValueError, "^CELU: alpha"), (lambda: F.celu(X, 0.0), ValueError, "^celu: alpha"),
    (lambda: nn.Softshrink(-1), ValueError, "^Softshrink: lambd .* -1"),
    (lambda: F.softshrink(X, float("nan")), ValueError, "^softshrink: lambd .* nan"),
    (lambda: nn.Hardtanh(1, 1), ValueError, "^Hardtanh: min_val .* 1 and 1"),
    (lambda: F.hardtanh(X, 2, 1), ValueError, "^hardtanh: min_val .* 2 and 1"),
    (lambda: nn.RReLU(0.5, 0.2), ValueError, "^RReLU: lower .* 0.5 and 0.2"),
    (lambda: F.rrelu(X, 0.5, 0.2, True), ValueError, "^rrelu: lower .* 0.5 and 0.2"),
    (lambda: nn.PReLU(0), ValueError, "^PReLU: num_parameters .* 0"),
    (lambda: nn.PReLU(2)(X), ValueError, r"^prelu: a weight of shape \(2,\) .* input of shape \(2, 3\)"),
    (lambda: nn.PReLU(2)(minigrad.ones(2)), ValueError, r"^prelu: .* \(2,\) .* \(2,\)"),
    (lambda: F.prelu(X, minigrad.ones(1, 3)), ValueError, r"^prelu: .* \(1, 3\) .* \(2, 3\)"),
    (lambda: nn.PReLU(3)(X.double()), TypeError, "^prelu: weight has dtype float32, the input float64"),
    (lambda: F.prelu(X, 0.5), TypeError, "^prelu: weight takes a Tensor, not float"),
    (lambda: nn.GLU()(X), ValueError, r"^glu: dim -1 of an input of shape \(2, 3\) has size 3"),
    (lambda: F.glu(minigrad.tensor(1.0)), ValueError, "^glu: a 0-d tensor"),
    (lambda: F.glu(X, 2), IndexError, "^glu: dim 2"),
    (lambda: nn.Softmax2d()(X), ValueError, r"^Softmax2d: .* \(2, 3\)"),
    (lambda: F.threshold(X, "a", 1), TypeError, "^threshold: threshold must be a number, not 'a'"),
]


@pytest.mark.parametrize(("use", "error", "message"), BAD)
def test_bad_input(use, error, message):
    before = minigrad.default_generator.get_state()
    with pytest.raises(error, match=message):
        use()
    assert minigrad.default_generator.get_state() == before


def test_devices_do_not_mix(cuda):
    with pytest.raises(RuntimeError, match="different devices, cuda:0 and cpu"):
        nn.PReLU()(X.to(cuda))


def test_numpy_numbers_as_options_widen_nothing():
    one = np.float64(1.0)
    for y in (F.hardtanh(X, -one, one), F.celu(X, one), F.softshrink(X, one), F.hardshrink(X, one),
              F.threshold(X, one, one), F.rrelu(X, one, one), F.rrelu(X, one, one, True)):
        assert y.dtype == "float32"


def test_softmin_casts_first():
    """-x of unsigned integers would be another number."""
    y = F.softmin(minigrad.tensor([0, 1], dtype="uint8"), 0, dtype="float64")
    np.testing.assert_allclose(y.numpy(), np.exp([0, -1]) / (1 + np.exp(-1)), rtol=1e-14)
