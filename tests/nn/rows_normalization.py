"""Rows of the layers of minigrad.nn.normalization; see layers.py."""
from tests.nn.row import Row


def channels(name, options, *shapes):
    return Row(name, {"num_features": 3, **options}, shapes)


ROWS: list[Row] = [
    *(channels("BatchNorm1d", options, (4, 3), (2, 3, 5)) for options in (
        {}, {"eps": 0.1, "momentum": 0.3}, {"affine": False}, {"track_running_stats": False}, {"momentum": None},
        {"bias": False})),
    *(channels("BatchNorm2d", options, (2, 3, 4, 5), (1, 3, 2, 1)) for options in (
        {}, {"momentum": None, "affine": False}, {"track_running_stats": False})),
    *(channels("InstanceNorm1d", options, (2, 3, 5), (3, 5)) for options in (
        {}, {"affine": True}, {"affine": True, "track_running_stats": True, "momentum": 0.3})),
    *(channels("InstanceNorm2d", options, (2, 3, 4, 2), (3, 4, 2)) for options in (
        {}, {"affine": True, "eps": 0.1}, {"track_running_stats": True})),
    *(Row("LayerNorm", options, ((2, 3, 4), (3, 4))) for options in (
        {"normalized_shape": 4}, {"normalized_shape": (3, 4), "eps": 0.1}, {"normalized_shape": 4, "bias": False},
        {"normalized_shape": [4], "elementwise_affine": False})),
    *(Row("RMSNorm", options, ((2, 3, 4), (3, 4))) for options in (
        {"normalized_shape": 4}, {"normalized_shape": (3, 4), "eps": 0.1},
        {"normalized_shape": 4, "elementwise_affine": False})),
    *(Row("GroupNorm", options, ((2, 6), (2, 6, 4), (1, 6, 2, 3))) for options in (
        {"num_groups": 2, "num_channels": 6}, {"num_groups": 3, "num_channels": 6, "eps": 0.1, "affine": False},
        {"num_groups": 1, "num_channels": 6, "bias": False})),
]  # fmt: skip
