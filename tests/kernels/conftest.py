"""Laws run on NumPy alone here, so that its tests do so on long arrays, too, where Numba is installed."""

import pytest

from minigrad.kernels import numba_run


@pytest.fixture(autouse=True)
def numba_is_off(monkeypatch):
    monkeypatch.setattr(numba_run._Switch, "on", False)
