"""Samples of convolution and pooling; see samples.py. They are reached through nn.functional, which prepares what they want."""
from .sample import Sample, real, spaced


def f(name, **options):
    return lambda m, *xs: getattr(m.nn.functional, name)(*xs, **options)


SAMPLES = {
    "convolve": [
        Sample(f("conv1d"), real(2, 3, 5), real(4, 3, 2), real(4)),
        Sample(f("conv1d", stride=2, padding=1, groups=2), real(2, 4, 7).stepped, real(2, 2, 3), real(2)),
        Sample(f("conv2d", padding=(1, 0), stride=(1, 2)), real(2, 2, 3, 5), real(3, 2, 2, 3), real(3)),
        Sample(f("conv2d", dilation=2, groups=2), real(1, 4, 4, 4).reversed, real(2, 2, 2, 2), real(2)),
        Sample(f("conv2d"), real(2, 3, 4, 4), real(2, 3, 1, 1)),
        Sample(f("conv2d", padding=1), real(0, 2, 3, 3), real(2, 2, 2, 2), real(2)),
    ],
    "convolve_adjoint": [
        Sample(f("conv_transpose1d", stride=2, padding=1, output_padding=1), real(2, 3, 4), real(3, 2, 3), real(2)),
        Sample(f("conv_transpose2d", groups=2, stride=(2, 1)), real(2, 4, 3, 2), real(4, 1, 2, 3), real(2)),
        Sample(f("conv_transpose2d", dilation=2), real(1, 2, 2, 3).stepped, real(2, 3, 2, 2)),
    ],
    "max_pool": [
        Sample(f("max_pool1d", kernel_size=2), spaced(2, 3, 6)),
        Sample(f("max_pool1d", kernel_size=3, stride=2, padding=1), spaced(2, 2, 7).stepped),
        Sample(f("max_pool2d", kernel_size=(2, 3), stride=(1, 2), dilation=(2, 1)), spaced(1, 2, 5, 6)),
        Sample(f("max_pool2d", kernel_size=2, ceil_mode=True), spaced(1, 2, 3, 5).reversed),
        Sample(f("max_pool2d", kernel_size=2), spaced(0, 2, 4, 4)),
    ],
    "max_pool_with_indices": [
        Sample(f("max_pool1d", kernel_size=3, stride=2, padding=1, return_indices=True), spaced(2, 2, 7).stepped),
        Sample(f("max_pool2d", kernel_size=2, stride=1, return_indices=True), spaced(1, 2, 3, 4)),
    ],
    "window_sums": [
        Sample(f("avg_pool1d", kernel_size=2), real(2, 3, 6)),
        Sample(f("avg_pool2d", kernel_size=3, stride=2, padding=1, ceil_mode=True), real(1, 2, 4, 5).stepped),
        Sample(f("avg_pool2d", kernel_size=2, padding=1, count_include_pad=False), real(1, 2, 4, 5).reversed),
    ],
}  # fmt: skip
