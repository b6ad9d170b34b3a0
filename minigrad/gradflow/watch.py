"""watch: record how the gradient flows through a model while it trains, without changing the model.

Hooks tell of every leaf module's call and of every gradient at a pre-activation. They are put on at the start of a
recorded step and taken off again when its forward pass ends, so a step that is not recorded costs nothing but a count.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Iterator

import numpy as np

from .. import autograd, nn
from ..gradmode import is_grad_enabled
from ..nn import Activation, Module
from ..optim import Optimizer
from ..tensor import Removable, Tensor
from . import chain
from .flow import Flow
from .on_request import signal_to_noise, singular_values, unseen
from .record import Layer, Reading
from .statistics import ENDS, dead_fraction, norm, saturated_fraction, spread
from .through_time import Capture, fused_nodes


@dataclass(frozen=True)
class Requests:
    """What is recorded only if asked for."""

    snr: bool = False
    jacobian: bool = False


@contextmanager
def watch(
    model: Module, every: int = 1, optimizer: Optimizer | None = None, *, snr: bool = False, jacobian: bool = False
) -> Iterator[Flow]:
    """Record the model's gradient flow inside the with block.

        with gradflow.watch(model, every=10) as flow:
            for x, y in loader: ...                      # any training loop
        print(flow.table())
        print(flow.diagnosis())

    A step is a call of the model with gradients on; of these, numbers 1, 1 + every, 1 + 2 * every ... are recorded if a
    backward pass follows. If several follow one call, the last one counts. Calls under no_grad() are no steps.
    optimizer: its steps are watched too, for how far they move the weights. snr, jacobian: record the gradient's
    signal-to-noise ratio over the batch, and the singular values of each layer's Jacobian; both take long.
    What is watched are the modules that the model has when the block begins. All hooks are off at its end, also after
    an exception; the record stays.
    Raises TypeError for what is not a Module or an Optimizer, ValueError for every < 1 or a model without layers.
    """
    if not isinstance(model, Module):
        raise TypeError(f"watch takes a Module, not {type(model).__name__}")
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"watch: every must be a whole number from 1 up, got {every!r}")
    if optimizer is not None and not hasattr(optimizer, "register_step_post_hook"):
        raise TypeError(f"watch: optimizer must be an Optimizer, not {type(optimizer).__name__}")
    watcher = _Watcher(model, every, optimizer, Requests(snr, jacobian))
    try:
        yield watcher.flow
    finally:
        watcher.stop()


class _Watcher:
    """The hooks on one model, and which of its steps are recorded."""

    def __init__(self, model: Module, every: int, optimizer: Any, requests: Requests) -> None:
        self.model = model
        self.every = every
        self.requests = requests
        self.flow = Flow()
        self._leaves = _leaves_of(model)
        if not self._leaves:
            raise ValueError(
                f"watch: there is nothing to watch in {type(model).__name__}: it holds no module with parameters and no "
                "activation; functions leave no trace, so make layers of them"
            )
        self._step = 0
        self._recording: _Step | None = None
        self._handles = [model.register_forward_pre_hook(self._begin)]
        if optimizer is not None:
            self._handles.append(optimizer.register_step_pre_hook(self._before_update))
            self._handles.append(optimizer.register_step_post_hook(self._after_update))

    def _begin(self, _module: Module, _args: tuple[Any, ...]) -> None:
        if not is_grad_enabled():
            return
        self._step += 1
        if self._recording is not None:
            self._recording.remove_hooks()  # of a step before, whose forward or backward pass never came to an end
            self._recording = None
        if (self._step - 1) % self.every == 0:
            self._recording = _Step(self.model, self._leaves, self.flow, self._step, self.requests)

    def _before_update(self, *_: Any) -> None:
        if self._recording is not None:
            self._recording.keep_weights()

    def _after_update(self, *_: Any) -> None:
        if self._recording is not None:
            self._recording.take_updates()

    def stop(self) -> None:
        for handle in self._handles:
            handle.remove()
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


# Slopes that can be read off the result, of these very classes: quicker than a walk.
_SLOPES: dict[type, Callable[[Any], Any]] = {
    nn.Sigmoid: lambda a: a * (1 - a), nn.Tanh: lambda a: 1 - a * a, nn.ReLU: lambda a: a > 0,
}  # fmt: skip


def _slopes(module: Activation, z: Tensor, output: Tensor) -> Any:
    """The slope of an activation at each element of z, off the graph of this very call; None if there is no graph.

    Off the graph, because to call it again would draw a random slope (RReLU) anew, and change the run that is watched.
    """
    if z.node is None or output.node is None:
        return None
    read_off = _SLOPES.get(type(module))
    if read_off is not None:
        return read_off(output.array.astype(np.float64, copy=False))
    with unseen(z):
        return autograd.grad([output], [z], [output.new_ones(*output.shape)], retain_graph=True)[0].array


def _weight_of(module: Module) -> Any:
    """The matrix of a layer: its weight; of a recurrent layer, what it applies to its state."""
    for name in ("weight", "weight_hh", "weight_hh_l0"):
        weight = getattr(module, name, None)
        if weight is not None:
            return weight
    return None


def _known(value: float) -> float:
    """NaN stands for what was not seen; what was seen and is not finite is inf."""
    return value if math.isfinite(value) else math.inf


def _take_spread(reading: Reading, values: Any) -> None:
    reading.batch_std, reading.pooled_std, size = spread(values)
    reading.value_rms = _known(size)


class _Step:
    """One recorded step: the forward pass sets out its readings, the backward pass fills them in."""

    def __init__(
        self, model: Module, leaves: list[tuple[str, Module]], flow: Flow, number: int, requests: Requests
    ) -> None:
        self.flow = flow
        self.number = number
        self.requests = requests
        self.layers: list[Layer] = []
        self.readings: list[Reading] = []
        # While the forward pass runs, of each layer:
        self._taken: list[Tensor | None] = []  # what it took
        self._outputs: list[Tensor] = []
        self._activated: list[Tensor | None] = []  # what the activation made of that
        self._modules: list[Module] = []
        self._weights: list[tuple[Reading, Any]] = []
        self._weights_before: list[Any] = []
        self._in_record = False
        self._gradient_hooks: list[Any] = []
        self._module_hooks = [module.register_forward_hook(self._see(name)) for name, module in leaves]
        self._module_hooks.append(model.register_forward_hook(self._end))  # last, so that a model of one leaf is seen

    def remove_hooks(self) -> None:
        for handle in self._module_hooks + self._gradient_hooks:
            handle.remove()
        self._module_hooks, self._gradient_hooks = [], []
        self._let_go()
        self._weights, self._weights_before = [], []

    def _let_go(self) -> None:
        self._taken, self._outputs, self._activated, self._modules = [], [], [], []

    # ---------------------------------------------------------------------------------------------- the forward pass

    def _see(self, name: str) -> Any:
        def hook(module: Module, args: tuple[Any, ...], output: Any) -> None:
            result = output if isinstance(output, Tensor) else next(chain.tensors_in(output), None)
            if result is None or not result.is_floating_point():
                return
            taken = args[0] if args and isinstance(args[0], Tensor) else None
            with np.errstate(all="ignore"):  # what is not finite is recorded as that
                if not isinstance(module, Activation):
                    self._see_layer(name, module, taken, result)
                    if isinstance(module, (nn.RNN, nn.LSTM, nn.GRU)):
                        self._see_time(name, module, args, output)
                elif taken is not None:
                    self._see_activation(name, module, taken, result)

        return hook

    def _see_layer(self, name: str, module: Module, taken: Tensor | None, output: Tensor) -> None:
        weight = _weight_of(module)
        layer = Layer(name, type(module).__name__, has_weight=weight is not None)
        layer.is_cell = isinstance(module, (nn.RNNCell, nn.LSTMCell, nn.GRUCell))
        reading = self._add(layer, output, taken, module)
        if weight is None:
            return
        reading.weight_norm = norm(weight.array)
        reading.weight_rms = _known(reading.weight_norm / math.sqrt(weight.numel() or 1))
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            layer.fan_in = weight.numel() // (weight.shape[0] or 1)
            if module.bias is not None:
                reading.bias_rms = norm(module.bias.array) / math.sqrt(module.bias.numel() or 1)
        self._weights.append((reading, weight))
        layer.frozen = not weight.requires_grad
        if not layer.frozen:
            self._gradient_hooks.append(weight.register_hook(lambda g: self._take_weight_grad(reading, g)))

    def _see_activation(self, name: str, module: Activation, z: Tensor, output: Tensor) -> None:
        kind = type(module).__name__
        i = next((i for i in reversed(range(len(self._outputs))) if self._outputs[i].array is z.array), None)
        if i is None:
            self._add(Layer(name, kind), z, z, module)
            i = -1
        self._activated[i] = output
        self.layers[i].activation, self.layers[i].bend = kind, module
        reading = self.readings[i]
        wide = output.array.astype(np.float64, copy=False)
        reading.saturated = saturated_fraction(wide, _ends_like(module))
        _take_spread(reading, wide)
        slopes = _slopes(module, z, output)
        if slopes is not None:
            reading.slope_norm, reading.slope_size, reading.dead = norm(slopes), slopes.size, dead_fraction(slopes)
            self._gradient_hooks.append(output.register_hook(lambda g: self._take_returned(reading, g)))
        if self.requests.jacobian and self._taken[i] is not None and not isinstance(self._modules[i], Activation):
            found = singular_values(self._modules[i], self._taken[i], slopes)
            reading.sigma_max, reading.sigma_min = found

    def _see_time(self, name: str, module: Module, args: tuple[Any, ...], output: Any) -> None:
        """The fused ops of a recurrent layer, one for each of its layers and directions."""
        captures = []
        nodes = fused_nodes(chain.tensors_in(output), chain.tensors_in(list(args)))
        for (layer, suffix), (node, results) in zip(module._passes(), nodes):
            several = len(module._passes()) > 1
            capture = Capture(f"{name} {suffix.removeprefix('_')}" if several else name, node)
            captures.append(capture)
            for result in results:
                hooks = autograd.watch_of(result).hooks
                self._gradient_hooks.append(_on_result(hooks, capture, result.kw["index"]))
        learning = next((p for p in module.parameters() if p.requires_grad), None)
        if captures and learning is not None:  # leaves get their gradients last, when all others have arrived
            self._gradient_hooks.append(learning.register_hook(lambda g: self._take_times(captures)))

    def _add(self, layer: Layer, z: Tensor, taken: Tensor | None, module: Module) -> Reading:
        reading = Reading()
        self.layers.append(layer)
        self.readings.append(reading)
        self._taken.append(taken)
        self._outputs.append(z)
        self._activated.append(None)
        self._modules.append(module)
        if z.requires_grad:
            self._gradient_hooks.append(z.register_hook(lambda g: self._take_delta(reading, g)))
            weight = _weight_of(module)
            if self.requests.snr and weight is not None and weight.requires_grad:
                self._gradient_hooks.append(z.register_hook(lambda g: _take_snr(reading, z, weight, g)))
        return reading

    def _end(self, _module: Module, _args: tuple[Any, ...], output: Any) -> None:
        results = [None if a is None else a.node for a in self._activated]
        above = chain.above([z.node for z in self._outputs], chain.tensors_in(output), results)
        begun = set()  # layers that take what an activation below them gave
        for i, (layer, j) in enumerate(zip(self.layers, above)):
            layer.above = j
            given = self._outputs[i] if self._activated[i] is None else self._activated[i]
            layer.direct = j is not None and _same_values(self._taken[j], given)
            if layer.direct and layer.fan_in:
                begun.add(j)
        with np.errstate(all="ignore"):
            for i, (layer, reading) in enumerate(zip(self.layers, self.readings)):
                if self._activated[i] is None:
                    _take_spread(reading, self._outputs[i].array)
                    if self.requests.jacobian and self._taken[i] is not None:
                        found = singular_values(self._modules[i], self._taken[i], None)
                        reading.sigma_max, reading.sigma_min = found
                taken = self._taken[i]
                if layer.fan_in and i not in begun and taken is not None:
                    reading.input_rms = _known(norm(taken.array) / math.sqrt(taken.numel() or 1))
        for handle in self._module_hooks:
            handle.remove()
        self._module_hooks = []
        self._let_go()

    # --------------------------------------------------------------------------------------------- the backward pass

    def _take_delta(self, reading: Reading, g: Tensor) -> None:
        reading.delta_norm, reading.delta_size = norm(g.array), g.numel()
        self._put_in_record()

    def _take_returned(self, reading: Reading, g: Tensor) -> None:
        reading.returned_norm = norm(g.array)

    def _take_weight_grad(self, reading: Reading, g: Tensor) -> None:
        reading.weight_grad_norm, reading.weight_grad_size = norm(g.array), g.numel()
        self._put_in_record()

    def _take_times(self, captures: list[Capture]) -> None:
        with np.errstate(all="ignore"):
            for capture in captures:
                if capture.upstream:
                    self.flow.add_time(capture.name, self.number, capture.reading())
        self._put_in_record()

    def _put_in_record(self) -> None:
        """At the first gradient: a forward pass alone is no step."""
        if not self._in_record:
            self._in_record = True
            self.flow.add(self.number, self.layers, self.readings)

    # -------------------------------------------------------------------------------------------- the optimizer's step

    def keep_weights(self) -> None:
        self._weights_before = [weight.array.copy() for _, weight in self._weights] if self._in_record else []

    def take_updates(self) -> None:
        with np.errstate(all="ignore"):
            for (reading, weight), before in zip(self._weights, self._weights_before):
                reading.update_norm = norm(weight.array.astype(np.float64) - before)
        self._weights_before = []


def _take_snr(reading: Reading, z: Tensor, weight: Tensor, g: Tensor) -> None:
    reading.snr = signal_to_noise(z, weight, g)


def _on_result(hooks: dict[int, Callable], capture: Capture, index: int) -> Any:
    return Removable(hooks, lambda g: capture.take(index, g))


def _same_values(taken: Tensor | None, given: Tensor) -> bool:
    """Whether one is the other, or a view of all of it."""
    if taken is None:
        return False
    a, b = taken.array, given.array
    if a is b:
        return True
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.size == b.size and np.may_share_memory(a, b)
