"""Samples of the ops of normalization; see samples.py."""
from .sample import Sample, real

SAMPLES = {
}
