"""Samples of the ops of activations; see samples.py."""
from .sample import Sample, real

SAMPLES = {
}
