"""Why a gradient vanishes in sigmoid layers, and why larger weights are no way out.

What to expect, within seconds: thirty layers of 256 sigmoids or tanhs with weights N(0, s^2 / 256), one batch of noise,
no training. At s = 1 each sigmoid layer passes on less than a quarter of the gradient: its slope is 1/4 at most, and
the weights give nothing back. Examples become alike as well: at the top their spread is that of rounding. Larger weights
multiply the gradient, but push units to their ends, where the slope is next to 0. So the gain reaches 1 only near
s = 10.4, with two thirds of the units saturated, and beyond that the gradient explodes. A tanh has slope 1 at 0 and no
mean to get rid of: there s = 1 is the edge. Theory (dashed: Poole et al. 2016) says the same of all.

    python examples/vanishing_sigmoid.py [DEPTH]

It writes vanishing_sigmoid.png; with Plotly also vanishing_sigmoid.html, where a slider goes through the scales.
"""

import functools
import sys

from minigrad import gradflow

DEPTH = int(sys.argv[1]) if len(sys.argv) > 1 else 30
SCALES = [0.5, 1, 2, 4, 8, 10.4, 16, 32]

# In float64, so that a spread of 1e-16 can be told from none.
deep = functools.partial(gradflow.deep_stack, DEPTH, 256, inputs=256, classes=256, dtype="float64")
found = gradflow.sweep(deep, {"activation": ["sigmoid", "tanh"], "scale": SCALES})
print(found.table())
print()
for crossing in found.crossings():
    print(crossing)

at_one = next(run for run in found.runs if run.setting == {"activation": "sigmoid", "scale": 1})
row = at_one.flow.profile().rows[DEPTH // 2]
print(f"\nIn the middle of the sigmoids at s = 1 the gain is {row.gain:.3f}: the weights multiply the gradient by "
      f"{row.weight_factor:.3f}, the slopes by {row.slope:.3f}, their alignment by {row.alignment:.3f}.")  # fmt: skip
print(f"{at_one.flow.diagnosis()}")

found.draw("vanishing_sigmoid.png", "Only near s = 10.4 does a sigmoid layer pass a gradient on whole")
try:
    found.html("vanishing_sigmoid.html", "Only near s = 10.4 does a sigmoid layer pass a gradient on whole")
except ImportError as error:
    print(f"No page: {error}")
