"""Samples of the ops of losses of numbers; see samples.py. They are reached through nn.functional."""
from .sample import Sample, domain, positive, real

probability = domain(lambda rng, shape: rng.uniform(0.05, 0.95, shape))


def f(name, **options):
    return lambda m, *xs: getattr(m.nn.functional, name)(*xs, **options)


SAMPLES = {
    "binary_cross_entropy": [
        Sample(f("binary_cross_entropy", reduction=r), probability(2, 3).t, probability(2, 3)) for r in ("mean", "none")
    ] + [Sample(f("binary_cross_entropy", reduction="sum"), probability(3).stepped, probability(3).reversed),
         Sample(f("binary_cross_entropy", reduction="none"), probability(0, 3), probability(0, 3))],
    "x_log_x": [Sample(f("kl_div", reduction="sum"), real(2, 3).stepped, positive(2, 3)),
                Sample(f("kl_div", reduction="none"), real(2, 3), positive(2, 3).t)],
}  # fmt: skip
