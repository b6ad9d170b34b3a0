"""Every op has samples, and the samples reach every row."""
import sys

import pytest

import minigrad
from minigrad import ops
from minigrad.dispatch import OPS, Op

from .samples import ALL, FLOAT_SAMPLES, SAMPLES


def rows_of_minigrad():
    """Every row bound to a name in some module of minigrad, with that name. (Tests register rows of their own.)"""
    found = {}
    for module_name, module in sorted(sys.modules.items()):
        if module_name.partition(".")[0] == "minigrad":
            for name, value in vars(module).items():
                if isinstance(row := getattr(value, "op", None), Op):
                    found[row] = f"{module_name}.{name}"
    return found


def nodes_behind(tensors):
    """All nodes that some tensors were computed by."""
    seen, stack = set(), [t.node for t in tensors if t.node is not None]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(p for p in node.parents or () if p is not None)
    return seen


@pytest.fixture(scope="module")
def reached():
    """Names of the rows that left a node in a sample's forward, or in the graph of its first or second gradient."""
    names = set()
    for sample in FLOAT_SAMPLES:
        xs = sample.tensors("float64")
        ys = [y for y in sample.outputs(xs) if y.requires_grad]
        names |= {node.name for node in nodes_behind(ys) if node.op is not None}
        if sample.orders == 2:
            leaves = [x for x in xs if x.requires_grad]
            upstream = [minigrad.ones_like(y, requires_grad=True) for y in ys]
            gradients = minigrad.grad(ys, leaves, upstream, create_graph=True, materialize_grads=True)
            names |= {node.name for node in nodes_behind(gradients) if node.op is not None}
            again = [g for g in gradients if g.requires_grad]
            if again:
                second = minigrad.grad(again, leaves + upstream,
                                       [minigrad.ones_like(g, requires_grad=True) for g in again], create_graph=True,
                                       materialize_grads=True)
                names |= {node.name for node in nodes_behind(second) if node.op is not None}
    return names


@pytest.mark.parametrize("name", ops.__all__)
def test_every_public_op_has_samples(name):
    assert SAMPLES.get(name), f"give minigrad.{name} samples in tests/ops/samples.py"


def test_every_differentiable_row_is_reached(reached):
    differentiable = {row.name: where for row, where in rows_of_minigrad().items() if row.joint or any(row.vjps)}
    elsewhere = {"to_device"}  # needs two devices: test_devices.py
    missing = {name: where for name, where in differentiable.items() if name not in reached | elsewhere}
    assert len(differentiable) > 60
    assert not missing, f"no sample in tests/ops/samples.py leaves a node of {missing}"


def test_every_other_row_is_a_public_op():
    flat = {row.name for row in rows_of_minigrad() if not row.joint and not any(row.vjps)}
    assert len(flat) > 20
    assert flat <= set(ops.__all__)


def test_no_two_rows_share_a_name():
    """Errors and repr name the op by it, and the registry keeps one row a name."""
    rows = rows_of_minigrad()
    assert len({row.name for row in rows}) == len(rows)
    assert {row.name for row in rows} <= set(OPS)


def test_samples_are_many_and_cover_the_awkward_inputs():
    args = [arg for sample in ALL for arg in sample.args]
    assert len(ALL) > 500
    assert {arg.layout for arg in args} == {"plain", "transposed", "stepped", "reversed"}
    assert any(arg.shape == () for arg in args) and any(0 in arg.shape for arg in args)


@pytest.mark.parametrize("layout", ["t", "stepped", "reversed"])
def test_layouts_are_what_they_say(layout):
    from .sample import Sample, real

    plain, laid = Sample(None, real(2, 3)), Sample(None, getattr(real(2, 3), layout))
    x, y = plain.tensors("float64")[0], laid.tensors("float64")[0]
    assert x.is_contiguous() and not y.is_contiguous()
    assert (x == y).all()
