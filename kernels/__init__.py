"""Fused elementwise laws, each stated once as text and lowered to what the machine at hand runs best.

    adam = load("adam")
    adam(g, p, m, v, lr=1e-3, c1=0.1, c2=0.001, eps=1e-8)

A `.cu` file here is one law, in the language common to C and Python:

    // adam(g | p, m, v | lr, c1, c2, eps)     inputs | updated in place | scalars
    m += c1 * (g - m);
    T step = lr * m;

Statements assign to updated arrays or to locals (`T x = ...;`, `bool b = ...;`). There are + - * /, comparisons,
`where(c, a, b)`, `both(a, b)`, sqrt, cbrt, exp, log, fabs, sign, copysign, maximum and minimum; the last two hand on a
NaN from either side, and the sign of NaN is NaN. `where` computes both sides and picks. `#if flag`, `#else`, `#endif`
are settled by `load(name, flag=True)`. Arithmetic on scalars or numbers alone is refused: the host does it, in double.

`load("adam").source("numpy")` shows what runs on NumPy arrays, "cuda" what runs on CuPy's, "numba" what runs on long
NumPy arrays where Numba is installed (`use_numba`).
"""

from __future__ import annotations

import functools
import os

from .law import Law
from .numba_run import use_numba
from .parse import parse
from .tree import LawError, LawText

__all__ = ["Law", "LawError", "law_from_text", "load", "names", "use_numba"]

_HERE = os.path.dirname(os.path.abspath(__file__))
_SUFFIX = ".cu"


def load(name: str, **flags: bool) -> Law:
    """The law of that name with those flags on; flags not given are off. The same request gets the same Law.

    Raises ValueError for a name or flag that does not exist, TypeError for a flag that is neither True nor False, and
    LawError where the text is wrong.
    """
    return _law(name, _switched_on(_read(name), flags))


def names() -> list[str]:
    """The names of all laws, in alphabetical order."""
    return sorted(file[: -len(_SUFFIX)] for file in os.listdir(_HERE) if file.endswith(_SUFFIX))


def law_from_text(text: str, file: str, **flags: bool) -> Law:
    """A law that is not in the house: its text, and a file name to name it by (`clip.cu` gives the law `clip`)."""
    tree = parse(text, file)
    return Law(tree, _switched_on(tree, flags))


@functools.cache
def _law(name: str, flags: frozenset[str]) -> Law:
    return Law(_read(name), flags)


@functools.cache
def _read(name: str) -> LawText:
    if name not in names():
        raise ValueError(f"there is no law {name!r}; there are {', '.join(names())}")
    file = name + _SUFFIX
    with open(os.path.join(_HERE, file), encoding="utf-8") as text:
        return parse(text.read(), file)


def _switched_on(tree: LawText, flags: dict[str, bool]) -> frozenset[str]:
    for flag, value in flags.items():
        if flag not in tree.flags:
            known = f"its flags are {', '.join(tree.flags)}" if tree.flags else "it has none"
            raise ValueError(f"law {tree.name} has no flag {flag}: {known}")
        if not isinstance(value, bool):
            raise TypeError(f"flag {flag} of law {tree.name} is {value!r}, not True or False; numbers go to the call")
    return frozenset(flag for flag, value in flags.items() if value)
