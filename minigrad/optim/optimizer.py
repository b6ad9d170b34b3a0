"""Optimizer: parameter groups, state, and the step that every rule shares."""

from __future__ import annotations

from operator import itemgetter
from types import MappingProxyType
from typing import Any, Callable, Iterable, Mapping

from ..kernels import Law, load
from ..gradmode import enable_grad
from ..backend import backend_of, dtypes
from ..tensor import Tensor
from . import checks, explain, loading
from .arena import Arena, Block, Run, Settings, Slot, Update
from .explain import Element, Explanation, LawCall
from .hooks import StepHooks

# What people and schedulers note in a group besides the hyper-parameters; no rule reads it.
NOTES = {
    "name", "param_names", "initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum", "swa_lr",
}  # fmt: skip

_NOT_COPIED = {"_arenas", "_fitting", "_laws", "_pre_hooks", "_post_hooks", "_stepping"}


class Optimizer(StepHooks):
    """What all update rules share. A rule is a subclass that names its law and its states and computes the scalars.

    law_name: the text in kernels/. states: what the law updates besides p, by PyTorch's names. counts_steps: whether a
    state_dict holds "step"; False, as in PyTorch's SGD, only if rule() asks nothing of the age but whether it is 0, for
    a loaded age is 1 then. check(group): raise for hyper-parameters out of range. rule(group, age): (law, scalars) for
    parameters that took `age` steps. At age 0 all states are zeros; a state that the law does not use takes no memory.
    numbers: what the host remembers of each parameter besides, by PyTorch's names, and what it is at age 0; rule() is
    given them by name, and returns among the scalars what they become. beyond_torch: hyper-parameters that PyTorch's
    rule lacks, with the values that make both the same. needs_closure: why step() cannot do without a closure, if so.
    notes: what groups may hold besides the hyper-parameters. borrows: whether its laws may read long gradients where
    they lie, rather than copies.

    params: an iterable of tensors, of (name, tensor) pairs, or of dicts of "params" and hyper-parameters of their own.
    The parameters move into buffers of the optimizer. Tensors on their old memory (from_numpy, detach, views), which
    in PyTorch would follow them, stay behind. For float16 parameters states are float32, where PyTorch's are float16.
    Raises TypeError or ValueError, and changes nothing, for an empty list, what is not a floating-point leaf,
    parameters listed twice or sharing memory, hyper-parameters that are unknown or out of range.

    error_if_nonfinite: set it to True on an optimizer, and step() raises FloatingPointError for a gradient that holds
    NaN or an infinity, before it changes anything. By itself a step takes them as they come, as in PyTorch.
    """

    law_name: str
    states: dict[str, str] = {}
    counts_steps = True
    numbers: Mapping[str, float] = {}
    beyond_torch: Mapping[str, Any] = {}
    needs_closure = ""
    notes = NOTES
    borrows = True
    error_if_nonfinite = False

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        rule = type(self).__name__
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._arenas: list[Arena] = []
        self._laws: dict[tuple[tuple[str, bool], ...], Law] = {}
        self._fitting: set[Law] = set()  # laws that were seen to get all they take
        if not defaults:
            raise ValueError(f"{rule}: a rule has one hyper-parameter at least, such as lr")
        self._values_of = itemgetter(*defaults)
        entries = _listed(rule, params)
        if not entries:
            raise ValueError(f"{rule}: the list of parameters is empty")
        self._add(entries if isinstance(entries[0], dict) else [{"params": entries}])

    # ----------------------------------------------------------------------------------------------- for the rules

    def check(self, group: dict[str, Any]) -> None:
        """Raise TypeError or ValueError for hyper-parameters that are wrong. Plain numbers, tuples and bools come."""

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        """The law, and its scalars, for parameters of a group that have taken `age` steps."""
        raise NotImplementedError(f"{type(self).__name__} does not state its rule")

    def evaluate(self, closure: Callable[[], Any] | None) -> Any:
        """What the closure returns. A rule that uses the loss, or wants the gradients elsewhere, extends this."""
        if closure is not None:
            with enable_grad():
                return closure()
        if self.needs_closure:
            raise TypeError(
                f"{type(self).__name__}: {self.needs_closure}; call step(closure) with a function that computes the "
                "gradients anew and returns the loss"
            )
        return None

    @staticmethod
    def state_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """The shape of a state, by the law's name, for a parameter of this shape; None if it has no such state."""
        return shape

    def used_states(self, group: dict[str, Any]) -> list[str]:
        """The states, by the law's names, without which parameters of a group cannot go on."""
        law, _ = self._ruled(group, 1, self.numbers)
        return [name for name in law.updated if name in self.states]

    def law(self, **flags: bool) -> Law:
        """The rule's law with these flags on."""
        key = tuple(flags.items())
        found = self._laws.get(key)
        if found is None:
            found = self._laws[key] = load(self.law_name, **flags)
        return found

    # --------------------------------------------------------------------------------------------------- the groups

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters with hyper-parameters of their own; what is missing comes from the constructor's.

        Raises what the constructor raises, and changes nothing then.
        """
        self._add([group])

    def _add(self, groups: Iterable[Any]) -> None:
        """Read and check all groups, then lay them out: a bad one leaves the good ones where they are, too."""
        completed, arenas = [], []
        count = len(self._slots())
        for group in groups:
            full = self._completed(group)
            arenas.append(Arena(full["params"], count, full.get("param_names"), self.state_shape))
            count += len(full["params"])
            completed.append(full)
        new_slots = [slot for arena in arenas for slot in arena.slots]
        checks.new_parameters(type(self).__name__, self._slots() + new_slots)
        for full, arena in zip(completed, arenas):
            arena.settings = self._checked(full)
        for arena in arenas:
            arena.lay_out()
        self.param_groups += completed
        self._arenas += arenas

    def _completed(self, group: Any) -> dict[str, Any]:
        """A group with its parameters listed and all its hyper-parameters."""
        rule = type(self).__name__
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f"{rule}: a parameter group is a dict with 'params', not {group!r}")
        given = group["params"]
        listed = [given] if isinstance(given, Tensor) else _listed(rule, given)
        if not listed:
            raise ValueError(f"{rule}: a parameter group is empty")
        unknown = sorted(group.keys() - self.defaults.keys() - self.notes - {"params"})
        if unknown:
            raise ValueError(f"{rule}: unknown hyper-parameters {unknown}; known are {sorted(self.defaults)}")
        named = [isinstance(entry, tuple) and len(entry) == 2 for entry in listed]
        if not any(named):
            names = group.get("param_names")
            if names is not None and (isinstance(names, str) or len(_listed(rule, names)) != len(listed)):
                raise ValueError(f"{rule}: param_names must name each of {len(listed)} parameters, got {names!r}")
            return {**self.defaults, **group, "params": listed}
        if not all(named):
            raise ValueError(f"{rule}: {named.count(False)} of {len(named)} parameters have no name; name all or none")
        names, params = zip(*listed)
        return {**self.defaults, **group, "params": list(params), "param_names": list(names)}

    def _checked(self, group: dict[str, Any]) -> Settings:
        """The hyper-parameters of a group, or what check() raises."""
        plain = {key: checks.as_python(group[key]) for key in self.defaults}
        self.check(plain)
        given = {key: value.copy() if isinstance(value, list) else value for key, value in group.items()}
        return Settings(self._values_of(given), plain)

    def _slots(self) -> list[Slot]:
        return [slot for arena in self._arenas for slot in arena.slots]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with set_to_none=False, make them zeros instead (a rule then does take its step)."""
        for group in self.param_groups:
            for p in group["params"]:
                leaf = p.node
                if leaf is not None and leaf.grad is not None:
                    leaf.grad = None if set_to_none else p.new_zeros(*p.shape)

    # ------------------------------------------------------------------------------------------------------ the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        closure: computes the loss and its gradients; what it returns is returned. Raises TypeError or ValueError, and
        changes nothing, for a hyper-parameter that has become wrong, a parameter whose shape no longer fits what is
        remembered of it, parameters that have come to share memory, or no closure where the rule needs one;
        FloatingPointError if error_if_nonfinite is set and a gradient is not finite.
        """
        loss = self.evaluate(closure)
        self._prepare()
        for block, updates in self._plan():
            with block.backend.on(block.device):
                block.update(updates)
        return loss

    def _prepare(self) -> None:
        """See that every parameter is in its place and every hyper-parameter in its range."""
        if len(self.param_groups) != len(self._arenas):
            raise ValueError(
                f"{type(self).__name__}: param_groups has {len(self.param_groups)} groups, the optimizer was given "
                f"{len(self._arenas)}; add one with add_param_group(), or make a new optimizer"
            )
        stale = []
        for group, arena in zip(self.param_groups, self._arenas):
            if self._values_of(group) != arena.settings.given:
                arena.settings = self._checked(group)
            if not arena.is_current(group["params"]):
                stale.append(arena)
        if stale:
            self._lay_out(stale)

    def _lay_out(self, stale: list[Arena]) -> None:
        rule = type(self).__name__
        for i, (group, arena) in enumerate(zip(self.param_groups, self._arenas)):
            if not arena.holds(group["params"]):
                raise ValueError(
                    f"{rule}: the parameters listed in param_groups[{i}] are not those that the optimizer was given; "
                    "add some with add_param_group(), or make a new optimizer"
                )
        checks.memory(rule, self._slots())
        for arena in stale:
            arena.lay_out()

    def _plan(self) -> list[tuple[Block, list[Update]]]:
        """Everything that a step will do, before any of it is done: what can fail fails here."""
        plan = []
        for arena in self._arenas:
            group = arena.settings.plain
            for block in arena.blocks:
                with block.backend.on(block.device):
                    runs = block.gather(borrow=self.borrows)
                    if self.error_if_nonfinite:
                        checks.finite(type(self).__name__, block, runs)
                    updates = [self._planned(group, block, run) for run in runs]
                if updates:
                    plan.append((block, updates))
        return plan

    def _planned(self, group: dict[str, Any], block: Block, run: Run) -> Update:
        first, end, age = run
        law, scalars = self._ruled(group, age, block.slots[first].numbers if age else self.numbers)
        if law not in self._fitting:
            self._check_fit(law, scalars)
        # PyTorch's SGD remembers nothing while it has no momentum.
        ages = self.counts_steps or bool(self.numbers) or len(law.updated) > 1
        used = {name: scalars[name] for name in law.scalars}
        return first, end, block.bind(law, first, end), used, ages, {name: scalars[name] for name in self.numbers}

    def _check_fit(self, law: Law, scalars: Mapping[str, float]) -> None:
        """Raise TypeError for a rule that does not give its law all that it takes."""
        rule = type(self).__name__
        strangers = [name for name in law.inputs + law.updated if name not in ("g", "p") and name not in self.states]
        if strangers:
            raise TypeError(f"{rule}: the law {law.name} takes {strangers}, which are not among {rule}.states")
        missing = [name for name in (*law.scalars, *self.numbers) if name not in scalars]
        if missing:
            raise TypeError(f"{rule}: rule() gives no {missing}, which the law {law.name} or {rule}.numbers need")
        self._fitting.add(law)

    def _ruled(
        self, group: dict[str, Any], age: int, numbers: Mapping[str, float]
    ) -> tuple[Law, dict[str, float]]:
        """rule(), given the numbers that it asks for, if any."""
        rule: Callable[..., tuple[Law, dict[str, float]]] = self.rule
        return rule(group, age, **numbers)

    # ------------------------------------------------------------------------------------------------- to look inside

    def explain(self, param: Tensor, index: Any, closure: Callable[[], Any] | None = None) -> None:
        """Print what the next step does to one element: the law line by line, with the element's numbers filled in.

        index: an integer, or a tuple of them, () for a scalar. The gradient is the one that `param` holds; a closure,
        if given, is called for it as step() would. No parameter and no state changes. Raises TypeError, ValueError or
        IndexError for what is no parameter or no element of it, and what step() raises for wrong settings.
        """
        print(self.explanation(param, index, closure))

    def explanation(self, param: Tensor, index: Any, closure: Callable[[], Any] | None = None) -> Explanation:
        """What explain() prints, as an object: its numbers can be read, and its str() is the text."""
        rule = type(self).__name__
        slot = explain.slot_of(rule, self._slots(), param)
        place, offset = explain.located(rule, slot, index)  # a wrong question is not worth calling the closure for
        self.evaluate(closure)
        self._prepare()
        block, settings = next(
            (block, arena.settings.plain) for arena in self._arenas for block in arena.blocks if slot in block.slots
        )
        title = explain.title(rule, slot, place, block.values.dtype)
        leaf = slot.param.node
        if leaf is None or leaf.grad is None:
            return Explanation(title, settings, [], slot.view.reshape(-1)[offset])
        with block.backend.on(block.device):
            gradient = leaf.grad.array.reshape(-1).astype(block.work_dtype)
            laws = self._law_calls(settings, Element(block, slot, gradient, offset))
        return Explanation(title, settings, laws, slot.view.reshape(-1)[offset])

    def _law_calls(self, group: dict[str, Any], element: Element) -> list[LawCall]:
        """The laws that the next step puts an element through."""
        slot = element.slot
        law, scalars = self._ruled(group, slot.age, slot.numbers if slot.age else self.numbers)
        arrays = {**(slot.states if slot.age else {}), "g": element.gradient, "p": slot.view.reshape(-1)}
        known = {name: element.of(arrays[name]) if name in arrays else 0.0 for name in law.inputs + law.updated}
        used = {name: scalars[name] for name in law.scalars}
        return [LawCall(law, used, known, law.follow({**known, **used}, element.block.work_dtype))]

    # ------------------------------------------------------------------------------------------------------- state

    @property
    def state(self) -> Mapping[Tensor, Mapping[str, Any]]:
        """What is remembered of each parameter that has taken a step, by PyTorch's names: tensors on the same memory.

        It can be read only: write into its tensors, or use load_state_dict().
        """
        return MappingProxyType({
            slot.param: MappingProxyType(self._state_of(slot)) for slot in self._slots() if slot.age
        })  # fmt: skip

    def _state_of(self, slot: Slot) -> dict[str, Any]:
        known: dict[str, Any] = {"step": Tensor(float(slot.age), dtype=dtypes.float64)} if self.counts_steps else {}
        for name, number in slot.numbers.items():
            known[name] = Tensor(float(number), dtype=dtypes.float64)
        for name, flat in slot.states.items():
            known[self.states[name]] = Tensor.of(flat.reshape(self.state_shape(name, slot.shape)))
        return known

    def state_dict(self) -> dict[str, Any]:
        """{"state": by parameter number, "param_groups": hyper-parameters and parameter numbers}, as in PyTorch.

        Its tensors lie on the optimizer's memory and change with it; copy them, or save them by to_arrays().
        """
        groups, start = [], 0
        for group in self.param_groups:
            numbers = list(range(start, start + len(group["params"])))
            groups.append({**{k: v for k, v in group.items() if k != "params"}, "params": numbers})
            start += len(numbers)
        return {
            "state": {slot.index: self._state_of(slot) for slot in self._slots() if slot.age},
            "param_groups": groups,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take on the hyper-parameters and a copy of the state that state_dict(), here or in PyTorch, returned.

        Arrays may be tensors, NumPy arrays, or anything that np.asarray takes. Raises TypeError or ValueError, and
        changes nothing, if they do not fit.
        """
        rule = type(self).__name__
        groups, entries = loading.sections(rule, state_dict, [len(group["params"]) for group in self.param_groups])
        merged = [
            loading.merged(rule, mine, {**self.beyond_torch, **theirs}, self.defaults, self.notes)
            for mine, theirs in zip(self.param_groups, groups)
        ]
        settings = [self._checked(group) for group in merged]
        loaded = []
        for arena, checked in zip(self._arenas, settings):
            used = self.used_states(checked.plain)
            loaded += [self._read(slot, entries[slot.index], used) for slot in arena.slots]
        self._prepare()
        for arena in self._arenas:
            for block in arena.blocks:
                for slot in block.slots:
                    _remember(block, slot, *loaded[slot.index])
        for mine, theirs, arena, checked in zip(self.param_groups, merged, self._arenas, settings):
            mine.update(theirs)
            arena.settings = checked

    def _read(self, slot: Slot, entry: Mapping[str, Any], used: list[str]) -> loading.Remembered:
        reader = loading.Entry(f"{type(self).__name__}: the state of {slot.label}", entry)
        shapes = {name: self.state_shape(name, slot.param.shape) for name in self.states}
        states = {self.states[name]: (name, shape) for name, shape in shapes.items() if shape is not None}
        needed = [key for key, (name, _) in states.items() if name in used]
        return reader.read(slot.param, states, needed, self.numbers, self.counts_steps)

    # ------------------------------------------------------------------------------------------------------- copies

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles carry values, not views: views would no longer share the copied parameters' memory."""
        kept = [
            [(slot.age, slot.shape, slot.numbers, _on_host(slot.states)) for slot in arena.slots]
            for arena in self._arenas
        ]
        plain = {k: v for k, v in self.__dict__.items() if k not in _NOT_COPIED}
        return {**plain, "_kept": kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = state.pop("_kept")
        self.__dict__.update(state)
        self._laws, self._fitting = {}, set()
        self._arenas = []
        first = 0
        for group, remembered in zip(self.param_groups, kept):
            arena = Arena(group["params"], first, group.get("param_names"), self.state_shape)
            arena.settings = self._checked(group)
            for slot, (age, shape, numbers, flats) in zip(arena.slots, remembered):
                slot.age, slot.shape, slot.numbers, slot.states = age, shape, numbers, flats
            self._arenas.append(arena)  # laid out at the next step, when the copied parameters are complete
            first += len(remembered)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _listed(rule: str, params: Any) -> list[Any]:
    """The entries of an iterable of parameters, in their order."""
    if isinstance(params, Tensor):
        raise TypeError(f"{rule}: params must be an iterable of tensors, not one tensor; write [tensor]")
    if isinstance(params, (set, frozenset)):
        raise TypeError(f"{rule}: params is a set, whose order varies from run to run; pass a list")
    kind = type(params).__name__
    if hasattr(params, "parameters"):
        raise TypeError(f"{rule}: params must be an iterable of tensors or dicts, not {kind}; write .parameters()")
    try:
        return list(params)
    except TypeError:
        raise TypeError(f"{rule}: params must be an iterable of tensors or dicts, not {kind}") from None


def _remember(
    block: Block, slot: Slot, age: int, arrays: Mapping[str, Any], numbers: Mapping[str, float]
) -> None:
    slot.age, slot.numbers = age, numbers
    for name in arrays:
        block.state(name)
    for name, flat in slot.states.items():
        flat[...] = arrays.get(name, 0)


def _on_host(flats: Mapping[str, Any]) -> dict[str, Any]:
    return {name: backend_of(flat).to_host(flat).copy() for name, flat in flats.items()}
