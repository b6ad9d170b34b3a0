"""watch: record how the gradient flows through a model while it trains, without changing the model.

Hooks tell of every leaf module's call and of every gradient at a pre-activation. They are put on at the start of a
recorded step and taken off again when its forward pass ends, so a step that is not recorded costs nothing but a count.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

from .. import autograd
from ..gradmode import is_grad_enabled
from ..nn import Activation, Module
from ..tensor import Tensor
from . import chain
from .record import Flow, Layer, Reading
from .statistics import ENDS, dead_fraction, norm, saturated_fraction, spread


@contextmanager
def watch(model: Module, every: int = 1) -> Iterator[Flow]:
    """Record the model's gradient flow inside the with block.

        with gradflow.watch(model, every=10) as flow:
            for x, y in loader: ...                      # any training loop
        print(gradflow.table(gradflow.profile(flow)))

    A step is a call of the model with gradients on; of these, numbers 1, 1 + every, 1 + 2 * every ... are recorded if a
    backward pass follows. If several follow one call, the last one counts. Calls under no_grad() are no steps.
    What is watched are the modules that the model has when the block begins. All hooks are off at its end, also after
    an exception; the record stays.
    Raises TypeError for what is not a Module, ValueError for every < 1.
    """
    if not isinstance(model, Module):
        raise TypeError(f"watch takes a Module, not {type(model).__name__}")
    if not isinstance(every, int) or every < 1:
        raise ValueError(f"watch: every must be a whole number from 1 up, got {every!r}")
    watcher = _Watcher(model, every)
    try:
        yield watcher.flow
    finally:
        watcher.stop()


class _Watcher:
    """The hooks on one model, and which of its steps are recorded."""

    def __init__(self, model: Module, every: int) -> None:
        self.model = model
        self.every = every
        self.flow = Flow()
        self._leaves = _leaves_of(model)
        self._step = 0
        self._recording: _Step | None = None
        self._handle = model.register_forward_pre_hook(self._begin)

    def _begin(self, _module: Module, _args: tuple[Any, ...]) -> None:
        if not is_grad_enabled():
            return
        self._step += 1
        if self._recording is not None:
            self._recording.remove_hooks()  # of a step before, whose forward or backward pass never came to an end
            self._recording = None
        if (self._step - 1) % self.every == 0:
            self._recording = _Step(self.model, self._leaves, self.flow, self._step)

    def stop(self) -> None:
        self._handle.remove()
        if self._recording is not None:
            self._recording.remove_hooks()


def _leaves_of(model: Module) -> list[tuple[str, Module]]:
    """The modules without children that are layers or activations, under their paths. Listed once: it takes a while."""
    return [
        (name or type(module).__name__, module)
        for name, module in model.named_modules()
        if next(module.children(), None) is None
        and (isinstance(module, Activation) or next(module.parameters(), None) is not None)
    ]


def _ends_like(module: Activation) -> str:
    """The activation whose ends this one has: a subclass of ReLU is off where ReLU is."""
    return next((kind.__name__ for kind in type(module).__mro__ if kind.__name__ in ENDS), "")


def _slopes(z: Tensor, output: Tensor) -> Any:
    """The slope of an activation at each element of z, off the graph of this very call; None if there is no graph.

    Off the graph, because to call it again would draw a random slope (RReLU) anew, and change the run that is watched.
    """
    if z.node is None or output.node is None:
        return None
    node, hooks = z.node, z.node.watch
    node.watch = None  # those hooks wait for the gradient of the loss
    try:
        return autograd.grad([output], [z], [output.new_ones(*output.shape)], retain_graph=True)[0].array
    finally:
        node.watch = hooks


class _Step:
    """One recorded step: the forward pass sets out its readings, the backward pass fills them in."""

    def __init__(self, model: Module, leaves: list[tuple[str, Module]], flow: Flow, number: int) -> None:
        self.flow = flow
        self.number = number
        self.layers: list[Layer] = []
        self.readings: list[Reading] = []
        self._outputs: list[Tensor] = []  # of the layers, while the forward pass runs
        self._activated: list[Tensor | None] = []  # what the activation made of each of them
        self._in_record = False
        self._gradient_hooks: list[Any] = []
        self._module_hooks = [module.register_forward_hook(self._see(name)) for name, module in leaves]
        self._module_hooks.append(model.register_forward_hook(self._end))  # last, so that a model of one leaf is seen

    def remove_hooks(self) -> None:
        for handle in self._module_hooks + self._gradient_hooks:
            handle.remove()
        self._module_hooks, self._gradient_hooks, self._outputs, self._activated = [], [], [], []

    # ---------------------------------------------------------------------------------------------- the forward pass

    def _see(self, name: str) -> Any:
        def hook(module: Module, args: tuple[Any, ...], output: Any) -> None:
            if not isinstance(output, Tensor) or not output.is_floating_point():
                return
            kind = type(module).__name__
            if isinstance(module, Activation):
                if args and isinstance(args[0], Tensor):
                    self._see_activation(name, module, args[0], output)
            else:
                self._see_layer(name, kind, module, output)

        return hook

    def _see_layer(self, name: str, kind: str, module: Module, output: Tensor) -> None:
        weight = getattr(module, "weight", None)
        layer = Layer(name, kind, has_weight=weight is not None)
        reading = self._add(layer, output)
        if weight is not None:
            layer.frozen = not weight.requires_grad
            if not layer.frozen:
                self._gradient_hooks.append(weight.register_hook(lambda g: self._take_weight_grad(reading, g)))

    def _see_activation(self, name: str, module: Activation, z: Tensor, output: Tensor) -> None:
        kind = type(module).__name__
        i = next((i for i in reversed(range(len(self._outputs))) if self._outputs[i].array is z.array), None)
        if i is None:
            self._add(Layer(name, kind), z)
            i = -1
        self._activated[i] = output
        self.layers[i].activation = kind
        reading = self.readings[i]
        reading.saturated = saturated_fraction(output.array, _ends_like(module))
        reading.batch_std, reading.pooled_std = spread(output.array)
        slopes = _slopes(z, output)
        if slopes is not None:
            reading.slope_norm, reading.slope_size, reading.dead = norm(slopes), slopes.size, dead_fraction(slopes)
            self._gradient_hooks.append(output.register_hook(lambda g: self._take_returned(reading, g)))

    def _add(self, layer: Layer, z: Tensor) -> Reading:
        reading = Reading()
        reading.batch_std, reading.pooled_std = spread(z.array)
        self.layers.append(layer)
        self.readings.append(reading)
        self._outputs.append(z)
        self._activated.append(None)
        if z.requires_grad:
            self._gradient_hooks.append(z.register_hook(lambda g: self._take_delta(reading, g)))
        return reading

    def _end(self, _module: Module, _args: tuple[Any, ...], output: Any) -> None:
        results = [None if a is None else a.node for a in self._activated]
        above = chain.above([z.node for z in self._outputs], chain.tensors_in(output), results)
        for layer, i in zip(self.layers, above):
            layer.above = i
        for handle in self._module_hooks:
            handle.remove()
        self._module_hooks, self._outputs, self._activated = [], [], []

    # --------------------------------------------------------------------------------------------- the backward pass

    def _take_delta(self, reading: Reading, g: Tensor) -> None:
        reading.delta_norm, reading.delta_size = norm(g.array), g.numel()
        self._put_in_record()

    def _take_returned(self, reading: Reading, g: Tensor) -> None:
        reading.returned_norm = norm(g.array)

    def _take_weight_grad(self, reading: Reading, g: Tensor) -> None:
        reading.weight_grad_norm, reading.weight_grad_size = norm(g.array), g.numel()
        self._put_in_record()

    def _put_in_record(self) -> None:
        """At the first gradient: a forward pass alone is no step."""
        if not self._in_record:
            self._in_record = True
            self.flow.add(self.number, self.layers, self.readings)
