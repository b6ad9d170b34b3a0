"""Sweeps: what a learner sees of sigmoid and tanh stacks, against theory by another quadrature; and what is refused."""
import functools
import math

import numpy as np
import pytest

import minigrad
from minigrad import gradflow, nn

WIDE = functools.partial(gradflow.deep_stack, depth=30, width=256, inputs=256, classes=256, dtype="float64")
SMALL = functools.partial(gradflow.deep_stack, depth=4, width=12, inputs=7, classes=3)


def expected(f, q):
    """E[f(sqrt(q) x)] of a standard normal x, by Simpson's rule on a grid fine enough for steep sigmoids."""
    weight = np.ones(4001)
    weight[1:-1:2], weight[2:-1:2] = 4, 2
    at = np.linspace(-9, 9, 4001)
    weight *= np.exp(-(at**2) / 2) * (18 / 4000) / 3 / math.sqrt(2 * math.pi)
    return float(weight @ f(math.sqrt(q) * at))


def fixed_point(f, slope, scale):
    """(gain, q) that layers far above the input have in mean field."""
    q = scale**2
    for _ in range(500):
        q = scale**2 * expected(lambda z: f(z) ** 2, q)
    return scale * math.sqrt(expected(lambda z: slope(z) ** 2, q)), q


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_sigmoids_pass_a_gradient_on_only_near_10_with_two_thirds_of_them_saturated():
    found = gradflow.sweep(WIDE, {"scale": [1, 4, 8, 10.4, 16]})
    gains = [run.gain for run in found.runs]
    truth = [fixed_point(sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)), s)[0] for s in (1, 4, 8, 10.4, 16)]
    np.testing.assert_allclose(gains, truth, rtol=0.04)
    (crossing,) = found.crossings()
    assert crossing.value == pytest.approx(10.4, abs=0.5)
    assert crossing.saturated == pytest.approx(2 / 3, abs=0.03)
    assert "gain 1) at scale = 10" in str(crossing)


def test_tanh_has_an_edge_between_two_regimes():
    found = gradflow.sweep(functools.partial(WIDE, activation="tanh"), {"scale": [0.7, 0.9, 1.5, 3]})
    assert [run.gain < 1 for run in found.runs] == [True, True, False, False]
    assert found.runs[0].spread < 1e-3 < 0.3 < found.runs[2].spread  # ordered: examples become alike; chaotic: not
    for run, scale in zip(found.runs[2:], (1.5, 3)):
        truth, _ = fixed_point(np.tanh, lambda z: np.cosh(z) ** -2, scale)
        assert run.gain == pytest.approx(truth, rel=0.05)


def test_runs_are_the_product_of_the_settings_and_differ_in_nothing_else():
    found = gradflow.sweep(SMALL, {"activation": ["tanh", "relu"], "scale": [1, 2]})
    settings = [{"activation": a, "scale": s} for a in ("tanh", "relu") for s in (1, 2)]
    assert [run.setting for run in found.runs] == settings and len(found) == 4
    again = gradflow.sweep(SMALL, {"activation": ["relu"], "scale": [2]})
    np.testing.assert_array_equal(found.runs[3].flow.delta_rms, again.runs[0].flow.delta_rms)
    other = gradflow.sweep(SMALL, {"activation": ["relu"], "scale": [2]}, seed=1)
    assert (again.runs[0].flow.delta_rms != other.runs[0].flow.delta_rms).any()
    lines = found.table().splitlines()
    assert len(lines) == 5 and lines[1].split()[:2] == ["tanh", "1"] and lines[4].split()[-1] == found.runs[3].direction
    assert [curve.label for curve in found.curves()] == ["activation=tanh", "activation=relu"]


def test_random_numbers_go_on_as_if_nothing_had_been_drawn():
    minigrad.manual_seed(3)
    before = minigrad.randn(3).tolist()
    minigrad.manual_seed(3)
    gradflow.sweep(SMALL, {"scale": [1, 2]})
    assert minigrad.randn(3).tolist() == before


def test_a_crossing_between_two_values_is_interpolated_on_logarithmic_scales():
    (crossing,) = gradflow.sweep(WIDE, {"scale": [8, 16]}).crossings()
    assert crossing.value == pytest.approx(10.5, abs=0.3)
    assert 0.6 < crossing.saturated < 0.73


def test_the_seed_alone_decides():
    minigrad.manual_seed(11)
    first = gradflow.sweep(SMALL, {"scale": [1]}).runs[0].flow.delta_rms
    minigrad.manual_seed(12)
    np.testing.assert_array_equal(first, gradflow.sweep(SMALL, {"scale": [1]}).runs[0].flow.delta_rms)


def test_data_and_loss_of_ones_own(rng):
    x, y = minigrad.tensor(rng.standard_normal((5, 7)).astype("float32")), minigrad.tensor([0, 1, 2, 0, 1])
    found = gradflow.sweep(SMALL, {"norm": [None, "batch"]}, x, y, nn.CrossEntropyLoss())
    assert [len(run.flow) for run in found.runs] == [1, 1]
    assert found.runs[1].flow.layers[1].kind == "BatchNorm1d"


def test_picture_and_page(tmp_path):
    pytest.importorskip("matplotlib"), pytest.importorskip("plotly")
    found = gradflow.sweep(SMALL, {"activation": ["tanh", "relu"], "scale": [0.5, 1, 2]})
    found.draw(tmp_path / "sweep.png", "A sweep")
    found.html(tmp_path / "sweep.html", "A sweep")
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    text = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "<title>A sweep</title>" in text and len(text) < 8e6
    words = gradflow.sweep(SMALL, {"activation": ["tanh", "relu"]})
    words.draw(tmp_path / "words.png")
    words.html(tmp_path / "words.html")
    with pytest.raises(ValueError, match="ends in .html"):
        found.html(tmp_path / "sweep.txt")


def test_the_page_shows_each_values_layers():
    go = pytest.importorskip("plotly.graph_objects")
    from minigrad.gradflow.sweep_page import figure_of

    found = gradflow.sweep(SMALL, {"scale": [0.5, 1, 2]})
    figure = figure_of(found.curves(), go)
    assert [frame.name for frame in figure.frames] == ["0.5", "1", "2"]
    for run, frame in zip(found.runs, figure.frames):
        np.testing.assert_allclose(frame.data[2].x[:4], run.flow.gain[0, :4], rtol=1e-12)
        np.testing.assert_allclose(frame.data[3].x[:4], run.flow.predicted_gain[0, :4], rtol=1e-12)
        assert frame.data[0].y[0] == pytest.approx(run.gain)


@pytest.mark.parametrize("build, settings, options, error, message", [
    (3, {"scale": [1]}, {}, TypeError, "build must be a function that makes a model, not int"),
    (SMALL, {}, {}, ValueError, "settings are empty"), (SMALL, {"scale": []}, {}, ValueError, "'scale' has no values"),
    (SMALL, {"scale": 3}, {}, TypeError, "the values of 'scale' must be a list, not 3"),
    (SMALL, {"activation": "tanh"}, {}, TypeError, "must be a list, not 'tanh'"),
    (SMALL, [1], {}, TypeError, "settings must be a dict"),
    (SMALL, {"scale": [1, -1]}, {}, RuntimeError, r"build\(scale=-1\) failed: ValueError"),
    (lambda n: n, {"n": [1]}, {}, TypeError, r"build\(n=1\) must return a Module, not int"),
    (lambda n: nn.Conv1d(1, n, 1), {"n": [1]}, {}, ValueError, "cannot guess an input for Conv1d"),
    (SMALL, {"scale": [1]}, {"y": 3}, ValueError, "y is for loss_fn"),
    (SMALL, {"scale": [1]}, {"x": minigrad.ones(2, 3)}, RuntimeError, r"the run of build\(scale=1\) failed"),
])
def test_what_is_refused(build, settings, options, error, message):
    with pytest.raises(error, match=message):
        gradflow.sweep(build, settings, **options)
