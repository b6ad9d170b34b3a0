"""Prodigy."""

from __future__ import annotations

import copy
import math
from typing import Any, Callable, Iterable, Mapping

import numpy as np

from ..backend.quiet import quiet
from ..tensor import Tensor
from . import checks, explain
from .adam import check_moments
from .arena import Block, Run, Slot, Update
from .by_parameter import ByParameter, piece_of
from .explain import Element, Explanation, LawCall, NotedLaw
from .optimizer import NOTES

_COMMON = ("betas", "beta3", "d0", "d_coef", "growth_rate", "use_bias_correction")
_ESTIMATE = ("d", "d_max", "d_numerator", "k")  # of all parameters together, and the same in every group

# Of a step: the hyper-parameters of a group, one of its blocks, and the runs there that take part.
Part = tuple[dict[str, Any], Block, list[Run]]


class Prodigy(ByParameter):
    """p <- p - lr * d * m / (sqrt(v) + d' * eps): Adam that estimates its own step size, d, as it goes.

    m and v are running means of d * g and d^2 * g^2. d' = max(d, d_coef * r / |s|_1) with r the decaying sum of
    d^2 * g . (x0 - p), x0 where p began, and s that of d^2 * g (both over d0), over all parameters of all groups; it
    starts as d0, and grows by growth_rate a step at most. Mishchenko and Defazio 2023, algorithm 4, in the form of the
    authors' code: lr = 1 is right nearly always, and groups have one lr, or 0. Groups have the same betas, beta3, d0,
    d_coef, growth_rate and use_bias_correction (the code takes the first group's). beta3 is sqrt(beta2) if None;
    use_bias_correction is Adam's, on lr; safeguard_warmup leaves lr out of s. The code's slice_p is not here.
    d, d_max, d_numerator and the number of steps k are in the groups, as there. decouple: p shrinks by
    weight_decay * lr * d * p; otherwise weight_decay adds weight_decay * p to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "prodigy"
    states = {"m": "exp_avg", "v": "exp_avg_sq", "s": "s", "x0": "p0"}
    notes = NOTES | set(_ESTIMATE)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        betas: tuple[float, float] = (0.9, 0.999),
        beta3: float | None = None,
        eps: float = 1e-8,
        weight_decay: float = 0,
        decouple: bool = True,
        use_bias_correction: bool = False,
        safeguard_warmup: bool = False,
        d0: float = 1e-6,
        d_coef: float = 1.0,
        growth_rate: float = math.inf,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, beta3=beta3, eps=eps, weight_decay=weight_decay, decouple=decouple,
            use_bias_correction=use_bias_correction, safeguard_warmup=safeguard_warmup, d0=d0, d_coef=d_coef,
            growth_rate=growth_rate, maximize=maximize,
        ))  # fmt: skip

    def _completed(self, group: Any) -> dict[str, Any]:
        full = super()._completed(group)
        known = self.param_groups[0] if self.param_groups else {"d": full["d0"], "d_max": full["d0"]}
        return {"d_numerator": 0.0, "k": 0, **{name: known[name] for name in _ESTIMATE if name in known}, **full}

    def check(self, group: dict[str, Any]) -> None:
        check_moments("Prodigy", group)
        names = ["decouple", "use_bias_correction", "safeguard_warmup"]
        checks.switch("Prodigy", **{name: group[name] for name in names})
        if group["beta3"] is not None:
            checks.below_one("Prodigy", beta3=group["beta3"])
        checks.positive("Prodigy", **{name: group[name] for name in ("d0", "d_coef", "growth_rate")})

    # ------------------------------------------------------------------------------------------------------ the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of all parameters together. Raises as for every rule, ValueError also for groups of different lr."""
        loss = self.evaluate(closure)
        self._prepare()
        shared = self._shared()
        plan = self._gathered()
        self._learn(plan, shared)
        if shared["whole"]:
            self._estimate(shared)
            for group, block, runs in plan:
                with block.backend.on(block.device):
                    block.update([self._moving(group, block, run, shared) for run in runs])
            for own in self.param_groups:
                own.update({name: shared[name] for name in _ESTIMATE})
        return loss

    def _shared(self) -> dict[str, Any]:
        """What all groups have in common: the first one's hyper-parameters, and the largest lr."""
        plains = [arena.settings.plain for arena in self._arenas]
        lr = max(plain["lr"] for plain in plains)
        if any(plain["lr"] not in (lr, 0) for plain in plains):
            raise ValueError(
                f"Prodigy: the groups have the learning rates {[plain['lr'] for plain in plains]}; they may have one "
                "and the same, or 0, for d is estimated from all of them together"
            )
        for name in _COMMON:
            if any(plain[name] != plains[0][name] for plain in plains):
                raise ValueError(
                    f"Prodigy: the groups have {name} {[plain[name] for plain in plains]}; it must be the same in all, "
                    "for d is estimated from all of them together"
                )
        shared = {**plains[0], **{name: self.param_groups[0][name] for name in _ESTIMATE}, "lr": lr}
        (beta1, beta2), t = shared["betas"], shared["k"] + 1
        correction = math.sqrt(1 - beta2**t) / (1 - beta1**t) if shared["use_bias_correction"] else 1.0
        shared["rate"] = shared["d"] * lr * correction
        shared["beta3"] = math.sqrt(beta2) if shared["beta3"] is None else shared["beta3"]
        return shared

    def _gathered(self) -> list[Part]:
        """What takes part: groups whose lr is 0 rest, and so do parameters without a gradient."""
        plan = []
        for arena in self._arenas:
            group = arena.settings.plain
            for block in arena.blocks if group["lr"] > 0 else []:
                with block.backend.on(block.device):
                    runs = block.gather()
                    if self.error_if_nonfinite:
                        checks.finite("Prodigy", block, runs)
                    for name in self.states:
                        block.state(name)
                    if block.half:
                        block.work[...] = block.values
                if runs:
                    plan.append((group, block, runs))
        return plan

    @quiet
    def _learn(self, plan: list[Part], shared: dict[str, Any]) -> None:
        """Take the gradients into the states, and sum up what they say of d."""
        gain = whole = 0.0
        for group, block, runs in plan:
            with block.backend.on(block.device):
                for first, end, age in runs:
                    for slot in block.slots[first:end]:
                        if slot.stop > slot.start:
                            along, size = self._taken_in(group, block, slot, age, shared)
                            gain += along
                            whole += size
        share = shared["d"] / shared["d0"]
        shared["gain"], shared["whole"] = share * shared["rate"] * gain, whole

    def _taken_in(
        self, group: Mapping[str, Any], block: Block, slot: Slot, age: int, shared: Mapping[str, Any]
    ) -> tuple[float, float]:
        """g . (x0 - p) and |s|_1 of one parameter."""
        piece, (beta1, beta2), d = piece_of(block, slot), shared["betas"], shared["d"]
        gradient = np.zeros_like(piece.g)
        decays = group["weight_decay"] != 0 and not group["decouple"]
        begin = self._law_of(slot, begin=True, step=False, first=age == 0, maximize=group["maximize"], decays=decays)
        piece.put_through(begin, group, turned=gradient)
        scalars = {
            "beta1": beta1, "beta2": beta2, "beta3": shared["beta3"], "c1": d * (1 - beta1), "c2": d * d * (1 - beta2),
            "c3": d / shared["d0"] * (d if group["safeguard_warmup"] else shared["rate"]),
        }  # fmt: skip
        piece.put_through(self._law_of(slot), scalars, turned=gradient)
        way = piece.states["x0"].astype("float64") - piece.p
        return float(way.dot(gradient.astype("float64"))), float(abs(piece.states["s"]).sum(dtype="float64"))

    def _estimate(self, shared: dict[str, Any]) -> None:
        """The next d."""
        d, d_max, numerator = shared["d"], shared["d_max"], shared["d_numerator"]
        numerator = shared["beta3"] * numerator + shared["gain"]
        d_hat = shared["d_coef"] * numerator / shared["whole"]
        if d == shared["d0"]:
            d = max(d, d_hat)
        d_max = max(d_max, d_hat)
        d = min(d_max, d * shared["growth_rate"])
        shared.update(d=d, d_max=d_max, d_numerator=numerator, k=shared["k"] + 1)

    def _moving(self, group: Mapping[str, Any], block: Block, run: Run, shared: Mapping[str, Any]) -> Update:
        first, end, _ = run
        decays = group["weight_decay"] != 0 and group["decouple"]
        scalars = {
            "lr": shared["rate"], "eps": shared["d"] * group["eps"], "decay": group["weight_decay"] * shared["rate"],
        }  # fmt: skip

        @quiet
        def move() -> None:
            for slot in block.slots[first:end]:
                if slot.stop > slot.start:
                    piece_of(block, slot).put_through(self._law_of(slot, step=True, decays=decays), scalars)

        return first, end, move, {}, True, {}

    def _law_of(
        self, slot: Slot, begin: bool = False, step: bool = False, first: bool = False, maximize: bool = False,
        decays: bool = False,
    ) -> Any:  # fmt: skip
        """The law for a parameter; explanation() has it take notes of one."""
        return self.law(
            begin=begin, step=step, first=first, maximize=maximize, weight_decay=decays and begin,
            decoupled=decays and step,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------- to look inside

    def explanation(self, param: Tensor, index: Any, closure: Callable[[], Any] | None = None) -> Explanation:
        """As for every rule. The step is taken by a copy of the optimizer and of all parameters."""
        slot = explain.slot_of("Prodigy", self._slots(), param)
        place, offset = explain.located("Prodigy", slot, index)
        self.evaluate(closure)
        self._prepare()
        twin = copy.deepcopy(self)
        twin.error_if_nonfinite = False  # what a NaN does can be looked at
        for theirs, mine in zip(twin._slots(), self._slots()):
            theirs.param.grad = mine.param.grad
        twin._prepare()
        calls: list[LawCall] = []
        block, copied = next((b, s) for a in twin._arenas for b in a.blocks for s in b.slots if s.index == slot.index)
        element = Element(block, copied, block.gradients[copied.start : copied.stop], offset)
        plain = twin._law_of

        def noted(of: Slot, **flags: bool) -> Any:
            return NotedLaw(plain(of, **flags), element, calls) if of is copied else plain(of, **flags)

        vars(twin)["_law_of"] = noted
        before = slot.view.reshape(-1)[offset]
        if param.grad is not None:
            twin.step()
        title = explain.title("Prodigy", slot, place, block.values.dtype)
        group = next(arena.settings.plain for arena in self._arenas if slot in arena.slots)
        rests = "Its group's learning rate is 0, so a step passes it over." if group["lr"] == 0 else None
        return Explanation(title, {**group, "d": self.param_groups[0]["d"]}, calls, before, rests)
