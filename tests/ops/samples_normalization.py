"""Samples of the ops of normalisation; see samples.py. They are reached through nn.functional."""
from .sample import Sample, real


def f(name, *arguments, **options):
    return lambda m, *xs: getattr(m.nn.functional, name)(*xs[:1], *arguments, *xs[1:], **options)


SAMPLES = {
    "standardize": [
        Sample(f("batch_norm", None, None, training=True), real(4, 3)),
        Sample(f("batch_norm", None, None, training=True, eps=0.1), real(2, 3, 4).stepped),
        Sample(f("layer_norm", (4,)), real(3, 4).t), Sample(f("layer_norm", (2, 3), eps=0.1), real(2, 2, 3).reversed),
        Sample(f("group_norm", 2), real(2, 4, 3)), Sample(f("instance_norm"), real(2, 2, 3)),
        Sample(f("layer_norm", (4,)), real(0, 4)),
    ],
    "divide_by_rms": [
        Sample(f("rms_norm", (4,), eps=1e-3), real(3, 4).stepped), Sample(f("rms_norm", (2, 3), eps=0.1), real(2, 2, 3)),
    ],
    "scale_channels": [
        Sample(f("batch_norm", None, None, training=True), real(4, 3), real(3), real(3)),
        Sample(f("layer_norm", (4,)), real(3, 4), real(4), real(4)), Sample(f("layer_norm", (4,)), real(3, 4), real(4)),
        Sample(f("group_norm", 2), real(2, 4, 3), real(4), real(4)),
    ],
}  # fmt: skip
