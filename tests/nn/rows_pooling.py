"""Rows of the layers of minigrad.nn.pooling; see layers.py."""
from tests.nn.row import Row

LINES, IMAGES = ((2, 3, 8), (3, 8)), ((2, 3, 6, 8), (3, 6, 8))

ROWS: list[Row] = [
    Row("MaxPool1d", {"kernel_size": 2}, LINES), Row("MaxPool1d", {"kernel_size": 3, "stride": 2, "padding": 1}, LINES),
    Row("MaxPool1d", {"kernel_size": 3, "stride": 3, "ceil_mode": True}, LINES),
    Row("MaxPool1d", {"kernel_size": 2, "dilation": 3}, LINES),
    # A last window would begin in the padding on the right.
    Row("MaxPool1d", {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}, LINES),
    Row("AvgPool1d", {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}, LINES),
    Row("MaxPool2d", {"kernel_size": 2}, IMAGES), Row("MaxPool2d", {"kernel_size": (3, 2), "stride": (1, 2)}, IMAGES),
    Row("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, IMAGES),
    Row("MaxPool2d", {"kernel_size": 2, "stride": 3, "dilation": 2}, IMAGES),
    Row("AvgPool1d", {"kernel_size": 2}, LINES),
    Row("AvgPool1d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, LINES),
    Row("AvgPool1d", {"kernel_size": 3, "padding": 1, "count_include_pad": False}, LINES),
    Row("AvgPool2d", {"kernel_size": 2}, IMAGES), Row("AvgPool2d", {"kernel_size": (3, 2), "padding": (1, 0)}, IMAGES),
    Row("AvgPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, IMAGES),
    Row("AvgPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, IMAGES),
    Row("AvgPool2d", {"kernel_size": 4, "stride": 3, "ceil_mode": True, "divisor_override": 5}, IMAGES),
    Row("AdaptiveAvgPool1d", {"output_size": 1}, LINES), Row("AdaptiveAvgPool1d", {"output_size": 3}, LINES),
    Row("AdaptiveAvgPool2d", {"output_size": 1}, IMAGES), Row("AdaptiveAvgPool2d", {"output_size": (4, None)}, IMAGES),
    Row("AdaptiveAvgPool2d", {"output_size": (3, 5)}, IMAGES), Row("AdaptiveAvgPool2d", {"output_size": 9}, IMAGES),
    Row("AdaptiveMaxPool1d", {"output_size": 3}, LINES), Row("AdaptiveMaxPool1d", {"output_size": 4}, LINES),
    Row("AdaptiveMaxPool2d", {"output_size": (3, 5)}, IMAGES), Row("AdaptiveMaxPool2d", {"output_size": 2}, IMAGES),
]  # fmt: skip
