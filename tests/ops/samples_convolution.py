"""Samples of the ops of convolution; see samples.py."""
from .sample import Sample, real

SAMPLES = {
}
