"""The picture: what is drawn, that zeros and NaN do not break it, and that the file is what its name says."""
import math
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

import minigrad
from minigrad import gradflow, nn
from minigrad.gradflow import picture
from minigrad.gradflow.record import Layer, Reading, Record as Flow

MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF-", ".svg": b"<?xml"}


def flow_of(table, steps=None):
    """Steps by layers of delta's RMS; None for no gradient."""
    flow = Flow()
    for i, row in enumerate(table):
        aboves = [*range(1, len(row)), None]
        layers = [Layer(str(j), "Linear", "Sigmoid", True, above=above) for j, above in enumerate(aboves)]
        readings = [Reading() if d is None else Reading(2 * d, 4, 2 * d, 4, 0.0) for d in row]
        flow.add(i + 1 if steps is None else steps[i], layers, readings)
    return flow


def drawn(flow, tmp_path, monkeypatch, **options):
    """The figure that draw() saves."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))[1])
    picture.draw(flow, tmp_path / "flow.png", **options)
    return figures[0]


def test_colours_are_the_logarithms_with_the_output_on_top(tmp_path, monkeypatch):
    table = np.array([[1e-30, 1e-20, 1e-10], [1e-29, 1e-19, 1e-9]])
    figure = drawn(flow_of(table.tolist(), steps=[1, 11]), tmp_path, monkeypatch, subtitle="three layers")
    heat_map, profile_line = figure.axes[0], figure.axes[3]
    mesh = heat_map.collections[0]
    np.testing.assert_allclose(mesh.get_array().reshape(3, 2), np.log10(table).T, rtol=1e-12)
    assert mesh.get_clim() == (pytest.approx(-30), pytest.approx(-9))
    assert heat_map.get_ylim()[0] < heat_map.get_ylim()[1]  # layer 1 at the bottom
    assert [t.get_text() for t in heat_map.get_yticklabels()] == ["input  1", "2", "3"]
    assert heat_map.get_xlim() == (-4, 16)  # each column reaches half-way to its neighbour
    np.testing.assert_allclose(profile_line.lines[0].get_ydata(), [1, 2, 3])
    np.testing.assert_allclose(profile_line.lines[0].get_xdata(), np.log10(table[-1]), rtol=1e-12)  # the last fifth
    assert "vanishes" in figure.get_suptitle()
    assert figure.get_supxlabel() == "three layers"


def test_small_changes_are_not_stretched_over_all_colours(tmp_path, monkeypatch):
    mesh = drawn(flow_of([[1.0, 1.1], [0.9, 1.0]]), tmp_path, monkeypatch).axes[0].collections[0]
    low, high = mesh.get_clim()
    assert high == pytest.approx(math.log10(1.1)) and high - low == pytest.approx(4)


@pytest.mark.parametrize("table, hatched", [
    ([[1e-3, 1e-2], [1e-3, 1e-2]], None),
    ([[0.0, 1e-2], [1e-3, 1e-2]], "exactly 0"),
    ([[0.0, 0.0], [0.0, 0.0]], "exactly 0"),
    ([[1e-3, 1e-2], [math.nan, math.nan]], "exactly 0 or not a number"),
    ([[math.inf, math.nan]] * 2, "exactly 0 or not a number"),
    ([[None, 1.0], [None, 1.0]], None),
    ([[5e-324, 1e300]], None),
    ([[1.0]], None),
])
def test_zeros_nan_and_extremes_draw_without_a_warning(table, hatched, tmp_path, monkeypatch):
    figure = drawn(flow_of(table), tmp_path, monkeypatch)
    notes = [t.get_text() for t in figure.axes[0].texts]
    assert notes == ([] if hatched is None else [f"hatched: {hatched}"])
    assert (tmp_path / "flow.png").read_bytes().startswith(MAGIC[".png"])


@pytest.mark.parametrize("suffix", picture.FORMATS)
def test_the_format_is_that_of_the_name(suffix, tmp_path):
    path = tmp_path / f"flow{suffix}"
    picture.draw(flow_of([[1e-3, 1e-2]]), path)
    assert path.read_bytes().startswith(MAGIC[suffix])
    assert list(tmp_path.iterdir()) == [path]


def test_bad_paths_and_empty_records(tmp_path):
    with pytest.raises(ValueError, match="ends in .png, .pdf, .svg"):
        picture.draw(flow_of([[1.0]]), tmp_path / "flow.jpg")
    with pytest.raises(FileNotFoundError, match="no folder"):
        picture.draw(flow_of([[1.0]]), tmp_path / "none" / "flow.png")
    with pytest.raises(ValueError, match="nothing was recorded"):
        picture.draw(Flow(), tmp_path / "flow.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 21, 24, 25, 100, 121, 1000])
def test_ticks_of_deep_models_do_not_crowd(count):
    positions, labels = picture._ticks([str(i + 1) for i in range(count)])
    assert len(positions) == len(labels) <= 26
    assert positions[0] == 1 and positions[-1] == count and sorted(set(positions)) == positions
    assert labels[1:] == [str(p) for p in positions[1:]]


def test_without_matplotlib_the_extra_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from minigrad.gradflow.picture import require_matplotlib\n"
        "try:\n    require_matplotlib()\nexcept ImportError as error:\n    print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "minigrad[plot]" in result.stdout
    assert result.stderr == ""


def test_slope_and_spread_have_maps_and_the_gain_its_factors(tmp_path, monkeypatch):
    minigrad.manual_seed(0)
    model = gradflow.deep_stack(4, 6, "tanh", inputs=5)
    with gradflow.watch(model) as flow:
        for _ in range(3):
            model(minigrad.randn(7, 5)).square().sum().backward()
    axes = drawn(flow, tmp_path, monkeypatch).axes
    np.testing.assert_allclose(axes[1].collections[0].get_array().reshape(5, 3), flow.slope_rms.T, rtol=1e-12)
    np.testing.assert_allclose(axes[2].collections[0].get_array().reshape(5, 3), np.log10(flow.batch_std).T, rtol=1e-9)
    lines = {line.get_label(): line.get_xdata() for line in axes[4].lines}
    for name, table in (("gain: what a layer passes on", "gain"), ("of it, by the weights", "weight_factor"),
                        ("by the activation's slope", "slope_rms"), ("gain in theory", "predicted_gain")):  # fmt: skip
        np.testing.assert_allclose(lines[name][:4], np.log10(getattr(flow, table)[-1, :4]), rtol=1e-9)
        assert math.isnan(lines[name][4])
    assert flow.diagnosis().sentence.split()[0] in axes[5].texts[0].get_text()


def test_runs_side_by_side_on_one_scale(tmp_path, monkeypatch):
    runs = {"a": flow_of([[1e-9, 1.0], [1e-9, 1.0]]), "b $x": flow_of([[1.0, 1.0], [1.0, 1.0]])}
    figure = drawn(runs, tmp_path, monkeypatch)
    maps = [axes for axes in figure.axes if axes.collections and axes.get_title()]
    assert [axes.get_title().split("\n")[0] for axes in maps] == ["a", "b $x"]
    assert maps[0].collections[0].get_clim() == maps[1].collections[0].get_clim()
    with pytest.raises(TypeError, match="dict of records by name"):
        picture.draw({"a": 3}, tmp_path / "x.png")


def test_the_gradient_through_time_is_drawn(tmp_path, monkeypatch):
    flow = gradflow.probe(nn.GRU(3, 4), minigrad.randn(6, 2, 3), None, lambda out, _: out[0][-1].sum())
    axes = drawn(flow, tmp_path, monkeypatch).axes[2]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.log10(flow.times["GRU"][1].hidden), rtol=1e-12)
