"""Samples of the ops of losses; see samples.py."""
from .sample import Sample, real

SAMPLES = {
}
