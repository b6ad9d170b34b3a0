"""The page and the export: what they hold, that names cannot break them, and what is refused."""
import math
import re
import subprocess
import sys

import numpy as np
import pytest

go = pytest.importorskip("plotly.graph_objects")

import minigrad
from minigrad import gradflow, nn
from minigrad.gradflow import panels
from minigrad.gradflow.page import fragment, page
from minigrad.gradflow.record import Layer, Reading, Record
from minigrad.gradflow.tensorboard import to_tensorboard


def flow_of(depth=4, steps=3, activation="sigmoid"):
    minigrad.manual_seed(0)
    model = gradflow.deep_stack(depth, 6, activation, inputs=5)
    with gradflow.watch(model, every=2) as flow:
        for _ in range(2 * steps - 1):
            model(minigrad.randn(7, 5)).square().sum().backward()
    return flow


def made(table):
    """A record of these RMS of delta, steps by layers."""
    record = Record()
    for step, row in enumerate(table, start=1):
        layers = [Layer(f"layer{j}", "Linear", "Tanh", True) for j in range(len(row))]
        record.add(step, layers, [Reading() if d is None else Reading(2 * d, 4, 2 * d, 4, 0.0) for d in row])
    return record


def test_the_heat_maps_are_the_records_tables():
    flow = flow_of()
    figure = panels.figure_of({"": flow}, go)
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(maps) == 3
    np.testing.assert_allclose(np.array(maps[0].z), np.log10(flow.delta_rms).T, rtol=1e-5)
    np.testing.assert_allclose(np.array(maps[1].z), flow.slope_rms.T, rtol=1e-5)
    np.testing.assert_allclose(np.array(maps[2].z), np.log10(flow.batch_std).T, rtol=1e-4)
    assert list(maps[0].x) == [1, 3, 5] and list(maps[0].y) == ["1", "2", "3", "4", "output"]
    assert maps[0].customdata[0][2] == f"{flow.delta_rms[2, 0]:.3g}"


def test_the_slider_shows_each_step():
    flow = flow_of()
    figure = panels.figure_of({"": flow}, go)
    (slider,) = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["1", "3", "5"] == [frame.name for frame in figure.frames]
    order = ["delta_rms", "gain", "weight_factor", "slope_rms", "alignment", "predicted_gain"]
    for row, frame in enumerate(figure.frames):
        lines, curves = frame.data[:3], frame.data[3:]
        assert all(list(line.x) == [flow.steps[row]] * 2 for line in lines)
        for name, curve in zip(order, curves, strict=True):
            np.testing.assert_allclose(np.array(curve.x), getattr(flow, name)[row], rtol=1e-6, err_msg=name)
        moved = [figure.data[i] for i in frame.traces]
        assert [trace.name for trace in moved[3:5]] == ["gradient RMS", "gain: what a layer passes on"]


def test_runs_stand_side_by_side_on_one_scale():
    runs = {"a": flow_of(), "b": flow_of(6, 2, "tanh")}
    figure = panels.figure_of(runs, go)
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(maps) == 6 and maps[0].zmin == maps[3].zmin and maps[0].zmax == maps[3].zmax
    assert [frame.name for frame in figure.frames] == ["1", "3", "5"]
    assert len(figure.frames[0].traces) == 2 * 9
    assert list(figure.frames[2].data[9].x) == [3, 3]  # run b ended at step 3
    titles = [note.text for note in figure.layout.annotations]
    assert "How much gradient reaches each layer<br><b>b</b>" in titles


@pytest.mark.parametrize("table, words", [
    ([[0.0, 1e-2], [1e-3, 1e-2]], "exactly 0"), ([[math.nan, 1.0]], "unknown"), ([[math.inf, 1.0]], "not finite"),
    ([[None, 1.0]], "unknown"), ([[5e-324, 1e300]], "4.94e-324"), ([[1.0]], "1"),
])
def test_zeros_and_what_is_not_finite_are_told(table, words):
    figure = panels.figure_of({"": made(table)}, go)
    assert figure.data[0].customdata[0][0] == words
    assert np.isfinite([figure.data[0].zmin, figure.data[0].zmax]).all()
    figure.to_json()


def test_many_steps_are_thinned_for_the_slider():
    assert panels.chosen_steps([1, 5, 9]) == [1, 5, 9]
    chosen = panels.chosen_steps(list(range(1, 1001)))
    assert len(chosen) == panels.SLIDER_STEPS and (chosen[0], chosen[-1]) == (1, 1000)
    assert chosen == sorted(set(chosen))


def test_recurrent_layers_have_a_panel_for_time():
    model = nn.GRU(3, 4)
    flow = gradflow.probe(model, minigrad.randn(6, 2, 3), None, lambda out, _: out[0][-1].sum())
    figure = panels.figure_of({"": flow}, go)
    (trace,) = [t for t in figure.data if t.hovertemplate and "step of time" in t.hovertemplate]
    np.testing.assert_allclose(trace.y, flow.times["GRU"][1].hidden)
    assert list(trace.x) == [1, 2, 3, 4, 5, 6]


def test_one_file_whole_and_small_with_the_diagnosis_in_words(tmp_path):
    flow = flow_of()
    flow.html(tmp_path / "flow.html", "My run")
    text = (tmp_path / "flow.html").read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["flow.html"]
    assert 1e6 < len(text) < 8e6 and "<title>My run</title>" in text
    assert flow.diagnosis().headline in text and "Under plain SGD" in text
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", outside)
    assert "default-src 'none'" in text


def test_names_cannot_break_the_page(tmp_path):
    evil = "</script><script>alert(1)</script><b>"
    record = made([[1e-3, 1e-2]])
    record.layers[0].name = evil
    page({evil: record}, tmp_path / "evil.html", evil)
    text = (tmp_path / "evil.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_notebook_shows_the_figure_or_a_table(monkeypatch):
    flow = flow_of()
    assert "plotly" in flow._repr_html_() and flow.diagnosis().headline in flow._repr_html_()
    monkeypatch.setitem(sys.modules, "plotly", None)
    plain = flow._repr_html_()
    assert "<pre>layer" in plain and flow.diagnosis().headline in plain
    assert "Nothing was recorded" in fragment(Record())


@pytest.mark.parametrize("runs, name, error, message", [
    (3, "a.html", TypeError, "the record of a watched model is needed"), ({}, "a.html", ValueError, "no run to show"),
    ({"a": 3}, "a.html", TypeError, "a dict of records by name"), (Record(), "a.html", ValueError, "nothing was recorded"),
    (made([[1.0]]), "a.png", ValueError, "ends in .html"), (made([[1.0]]), "none/a.html", OSError, "there is no folder"),
])
def test_what_is_refused_leaves_nothing_behind(runs, name, error, message, tmp_path):
    with pytest.raises(error, match=message):
        page(runs, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_plotly_the_extra_is_named():
    code = (
        "import sys; sys.modules['plotly'] = None\n"
        "from minigrad.gradflow.page import require_plotly\n"
        "try:\n    require_plotly()\nexcept ImportError as error:\n    print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "minigrad[html]" in result.stdout


def test_tensorboard_gets_every_number():
    flow, seen = flow_of(), {}

    class Writer:
        def add_scalar(self, tag, value, step):
            seen[tag, step] = value

    assert to_tensorboard(flow, Writer(), "run") == len(seen)
    assert seen["run/delta_rms/1 0", 3] == flow.delta_rms[1, 0]
    assert seen["run/gain/2 2", 5] == flow.gain[2, 1]
    assert ("run/gain/output 8", 1) not in seen and ("run/delta_rms/output 8", 1) in seen
    assert all(math.isfinite(value) for value in seen.values())
    with pytest.raises(TypeError, match="a writer has add_scalar.*; int has not"):
        to_tensorboard(flow, 3)
