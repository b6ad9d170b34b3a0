"""Rows of the layers of minigrad.nn.convolution and minigrad.nn.upsampling; see layers.py."""
from tests.nn.row import Row


def conv(name, size, **options):
    """Four channels in, six out, on images of `size`, with and without a batch."""
    options = {"in_channels": 4, "out_channels": 6, **options}
    channels = options["in_channels"]
    return Row(name, options, ((2, channels, *size), (channels, *size)))


ROWS: list[Row] = [
    conv("Conv1d", (7,), kernel_size=3), conv("Conv1d", (9,), kernel_size=4, stride=2, padding=1, bias=False),
    conv("Conv1d", (8,), kernel_size=3, padding="same", dilation=2), conv("Conv1d", (6,), kernel_size=1, groups=2),
    conv("Conv1d", (6,), kernel_size=4, padding="same"), conv("Conv1d", (6,), kernel_size=2, padding="valid"),
    conv("Conv1d", (6,), kernel_size=3, padding=2, padding_mode="circular"),
    conv("Conv2d", (5, 6), kernel_size=3), conv("Conv2d", (6, 7), kernel_size=(3, 2), stride=(2, 1), padding=(1, 0)),
    conv("Conv2d", (7, 7), kernel_size=3, padding=2, dilation=2, groups=2),
    conv("Conv2d", (5, 4), kernel_size=(2, 3), padding="same"), conv("Conv2d", (4, 4), kernel_size=1, bias=False),
    conv("Conv2d", (5, 5), kernel_size=3, groups=4, out_channels=8, stride=2),
    conv("Conv2d", (4, 5), kernel_size=3, padding=(1, 2), padding_mode="reflect"),
    conv("Conv2d", (4, 5), kernel_size=3, padding=1, padding_mode="replicate"),
    conv("Conv2d", (4, 5), kernel_size=(4, 3), padding="same", padding_mode="circular"),
    conv("Conv2d", (3, 3), kernel_size=3, in_channels=1, out_channels=1),
    conv("ConvTranspose1d", (5,), kernel_size=3),
    conv("ConvTranspose1d", (4,), kernel_size=3, stride=3, padding=1, output_padding=2, bias=False),
    conv("ConvTranspose1d", (4,), kernel_size=2, groups=2, dilation=3, output_padding=1),
    conv("ConvTranspose2d", (3, 4), kernel_size=3),
    conv("ConvTranspose2d", (3, 4), kernel_size=(2, 3), stride=(2, 3), padding=(0, 1), output_padding=(1, 0)),
    conv("ConvTranspose2d", (3, 3), kernel_size=3, groups=2, dilation=2, padding=2),
    Row("Upsample", {"scale_factor": 2}, ((2, 3, 4), (2, 3, 4, 5))),
    Row("Upsample", {"size": 7}, ((2, 3, 4), (1, 2, 3, 4))), Row("Upsample", {"size": (3, 9)}, ((1, 2, 5, 4),)),
    Row("Upsample", {"scale_factor": (0.5, 1.7)}, ((1, 2, 5, 4),)),
    Row("Upsample", {"scale_factor": 1.13}, ((1, 2, 5, 9),)), Row("Upsample", {"scale_factor": 2.03}, ((1, 2, 5, 4),)),
    Row("Upsample", {"scale_factor": 1.13, "mode": "bilinear"}, ((1, 2, 5, 9),)),
    Row("Upsample", {"scale_factor": 2.5, "mode": "linear"}, ((2, 3, 4),)),
    Row("Upsample", {"size": 9, "mode": "linear", "align_corners": True}, ((2, 3, 4), (1, 1, 1))),
    Row("Upsample", {"size": (7, 2), "mode": "bilinear"}, ((2, 3, 4, 5),)),
    Row("Upsample", {"scale_factor": (2, 3), "mode": "bilinear", "align_corners": True}, ((2, 3, 4, 5), (1, 1, 1, 2))),
]
