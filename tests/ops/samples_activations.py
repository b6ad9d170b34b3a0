"""Samples of the ops of activations; see samples.py."""
from .sample import Sample, domain, elementwise, given, nonzero, real

# At least 0.2 away from 0 and from both 1 and -1, where scaled samples have their kinks.
beside_one = domain(lambda rng, shape: (rng.uniform(0.2, 0.8, shape) + rng.integers(0, 2, shape))
                    * rng.choice([-1, 1], shape))


def function(name, *args, scale=1, **options):
    """functional.<name> of scale * x."""
    return lambda m, x, *rest: getattr(m.nn.functional, name)(x * scale, *rest, *args, **options)


def at(name, *points, **options):
    """Values and gradients at the kinks themselves."""
    return Sample(function(name, **options), given(points), orders=0)


def hardsigmoid_of_3x(torch, x):
    """PyTorch's own has 1/6 in single precision in its gradient, whatever the input's."""
    return torch.relu6(x * 3 + 3) / 6


SAMPLES = {
    "hardtanh": [*elementwise(function("hardtanh"), beside_one),
                 Sample(function("hardtanh", -0.1, 3), beside_one(2, 3)),
                 *elementwise(function("relu6", scale=6), beside_one), at("hardtanh", -1, 0, 1), at("relu6", 0, 3, 6),
                 at("hardtanh", 0, 1, 2, min_val=1, max_val=1)],
    "hardsigmoid": [Sample(function("hardsigmoid", scale=3), *sample.args, torch=hardsigmoid_of_3x)
                    for sample in elementwise(None, beside_one)]
                   + [Sample(function("hardsigmoid"), given([-3, 3]), orders=0)],
    "hardswish": [*elementwise(function("hardswish", scale=3), beside_one), at("hardswish", -3, 0, 3)],
    "threshold": [*elementwise(function("threshold", 0, 0.5), nonzero),
                  Sample(function("threshold", threshold=-1, value=-7), beside_one(2, 3)),
                  at("threshold", -1, 0.5, 1, threshold=0.5, value=2)],
    "softshrink": [*elementwise(function("softshrink", 1), beside_one),
                   Sample(function("softshrink", 0), nonzero(2, 3)),
                   at("softshrink", -0.5, 0, 0.5, 0.6)],
    "hardshrink": [*elementwise(function("hardshrink", 1), beside_one),
                   Sample(function("hardshrink", 0), nonzero(2, 3)),
                   at("hardshrink", -0.5, 0, 0.5, 0.6), at("hardshrink", -0.5, 0, 2, lambd=-1)],
    "tanhshrink": [*elementwise(function("tanhshrink")), at("tanhshrink", 0, 1e-3)],
    "softsign": [*elementwise(function("softsign"), nonzero), at("softsign", 0, 1e4)],
    "selu": [*elementwise(function("selu"), nonzero), Sample(function("selu"), given([-20, -1, 0, 1, 20]), orders=0)],
    "celu": [*elementwise(function("celu"), nonzero), Sample(function("celu", alpha=0.25), nonzero(2, 3)),
             Sample(function("celu", 2), given([-100, -1, 0, 1, 100]), orders=0)],
    "mish": [*elementwise(function("mish")), Sample(function("mish"), given([-1000, -40, -5, 0, 5, 40, 1000])),
             Sample(function("mish"), given([0, -1e-9, 1e-9]))],
    "prelu": [Sample(function("prelu"), x, w) for x, w in [
                  (nonzero(2, 3), real(1)), (nonzero(2, 3), real(3)), (nonzero(2, 3).t, real(3).stepped),
                  (nonzero(2, 3, 2), real(3)), (nonzero(2, 3, 2, 2).stepped, real(3).reversed), (nonzero(4), real(1)),
                  (nonzero(), real(1)), (nonzero(2, 3), real()), (nonzero(0, 3), real(3)), (nonzero(2, 0), real(1))]]
             + [Sample(function("prelu"), given([[-1, 0, 1]]), given([0.3]), orders=0)],
    "rrelu": [Sample(function("rrelu", 0.2, 0.4), nonzero(2, 3).t),
              Sample(function("rrelu", 0.25, 0.25, training=True), nonzero(2, 3).reversed)],
    "glu": [Sample(function("glu"), real(2, 4)), Sample(function("glu", 0), real(4, 3).t),
            Sample(function("glu", dim=1), real(2, 4, 3).stepped), Sample(function("glu", -2), real(2, 3).reversed),
            Sample(function("glu"), real(2)), Sample(function("glu"), real(0, 4)), Sample(function("glu"), real(3, 0)),
            Sample(function("glu"), given([800, 1, -800, 1, 800, -800]))],
    "softmin": [Sample(function("softmin", 1), real(2, 3).t), Sample(function("softmin", dim=0), real(2, 3))],
    "bilinear": [Sample(lambda m, *xs: m.nn.functional.bilinear(*xs), *xs) for xs in [
        (real(2, 3), real(2, 4), real(5, 3, 4), real(5)), (real(2, 3).t, real(2, 4).stepped, real(5, 3, 4)),
        (real(2, 2, 3), real(2, 2, 4).reversed, real(1, 3, 4).stepped, real(1)), (real(3), real(4), real(2, 3, 4)),
        (real(0, 3), real(0, 4), real(2, 3, 4), real(2))]],
}  # fmt: skip
