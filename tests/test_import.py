"""Importing minigrad is cheap, pulls in nothing unasked, and its modules import one way, downward."""
import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the bottom to the top. A module imports from lower layers, from its own folder, and from nowhere else.
LAYERS = [
    {"minigrad.kernels"},
    {"minigrad.backend"},
    {"minigrad.gradmode", "minigrad.values"},
    {"minigrad.autograd"},
    {"minigrad.dispatch"},
    {"minigrad.ops"},
    {"minigrad.numpy_forms"},
    {"minigrad.tensor"},
    {"minigrad.creation", "minigrad.function", "minigrad.gradcheck", "minigrad.cuda"},
    {"minigrad.nn", "minigrad.data"},
    {"minigrad.optim"},  # averages of weights are modules
    {"minigrad.gradflow"},
    {"minigrad.__main__"},
]
# What is imported only when someone asks for it, inside the function that needs it.
OPTIONAL = {"cupy", "cupyx", "matplotlib", "numba", "plotly", "sklearn", "tqdm"}


def sources():
    """Every source file with its module's name, and whether it is a package's __init__."""
    for folder, package in ((ROOT / "minigrad", "minigrad"), (ROOT / "kernels", "minigrad.kernels")):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join((package, *(parts[:-1] if is_package else parts)))
            yield path, name, is_package


def imports(path, name, is_package):
    """(imported module, line, whether it is inside a function) for every import a run of the file can meet."""
    package = name.split(".") if is_package else name.split(".")[:-1]

    def walk(node, inside):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child.lineno, inside
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                module = ".".join(base + ([child.module] if child.module else []))
                # `from package import module` imports the module, `from module import name` only the module.
                for alias in child.names:
                    yield f"{module}.{alias.name}" if is_module(f"{module}.{alias.name}") else module, child.lineno, inside
            elif is_for_type_checkers(child):
                continue
            else:
                function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                yield from walk(child, inside or function)

    return list(walk(ast.parse(path.read_text(encoding="utf-8")), False))


def is_for_type_checkers(node):
    """`if TYPE_CHECKING:` never runs."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def is_module(name):
    parts = name.split(".")
    if parts[0] != "minigrad":
        return False
    inner = ROOT / "kernels" if parts[1:2] == ["kernels"] else ROOT / "minigrad"
    path = inner.joinpath(*parts[2:] if parts[1:2] == ["kernels"] else parts[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def layer(module):
    """The index of the module's layer; None for the package itself, which gathers the others for users."""
    for index, names in enumerate(LAYERS):
        if any(module == name or module.startswith(name + ".") for name in names):
            return index
    return None


def python(code, *arguments, **options):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling each time is not what users wait for
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, env=environment, text=True, check=True,
                          capture_output=True, **options).stdout


def test_sources_are_found():
    names = {name for _path, name, _is_package in sources()}
    assert {"minigrad", "minigrad.backend", "minigrad.ops", "minigrad.kernels"} <= names


def optional_modules():
    """Our modules that need an optional dependency as soon as they are imported, such as the CuPy backend."""
    return {name for path, name, is_package in sources() for module, _line, inside in imports(path, name, is_package)
            if not inside and module.split(".")[0] in OPTIONAL}


def test_every_form_of_import_is_read(tmp_path):
    """The checks below see no more than this reader does."""
    path = tmp_path / "some.py"
    path.write_text("import numpy as np, os.path\n"
                    "from . import relu\n"
                    "from .. import backend\n"
                    "from ..backend import dtypes as d\n"
                    "from minigrad.autograd import op\n"
                    "if TYPE_CHECKING:\n    import torch\n"
                    "try:\n    import numba\nexcept ImportError:\n    pass\n"
                    "class A:\n    def f(self):\n        import cupy\n", encoding="utf-8")
    assert imports(path, "minigrad.ops.some", False) == [
        ("numpy", 1, False), ("os.path", 1, False), ("minigrad.ops", 2, False), ("minigrad.backend", 3, False),
        ("minigrad.backend.dtypes", 4, False), ("minigrad.autograd", 5, False), ("numba", 9, False), ("cupy", 14, True)]


def test_third_party_imports_are_numpy_or_lazy():
    wrong = []
    for path, name, is_package in sources():
        for module, line, _inside in imports(path, name, is_package):
            top = module.split(".")[0]
            if top not in sys.stdlib_module_names and top not in {"minigrad", "numpy"} | OPTIONAL:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {module}")
    assert not wrong


def test_only_what_is_optional_is_imported_inside_a_function():
    """Elsewhere an import in a function would hide a cycle; and what is optional must not be loaded unasked."""
    optional = optional_modules()
    assert not {name for name in optional if name.count(".") < 2}, "an optional module belongs inside a folder"
    wrong = []
    for path, name, is_package in sources():
        for module, line, inside in imports(path, name, is_package):
            if module.split(".")[0] == "minigrad" and inside != (module in optional):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {module}")
    assert not wrong


def test_imports_run_downward():
    """So there are no cycles; and the kernels, at the bottom, import nothing of minigrad."""
    wrong = []
    for path, name, is_package in sources():
        here = layer(name)
        for module, line, _inside in imports(path, name, is_package):
            if module.split(".")[0] != "minigrad" or name == "minigrad":
                continue
            there = layer(module)
            own_folder = ".".join(name.split(".")[:2]) == ".".join(module.split(".")[:2])
            if not own_folder and (here is None or there is None or there >= here):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {name} imports {module}")
    assert not wrong


def test_import_loads_numpy_and_little_else():
    loaded = python("import sys, numpy; before = set(sys.modules); import minigrad; "
                    "print(*sorted(set(sys.modules) - before))").split()
    assert "minigrad.tensor" in loaded
    others = [name for name in loaded if name.split(".")[0] != "minigrad"]
    # Nothing of NumPy either beyond what it loads by itself: numpy.random alone takes a fifth of its time.
    assert [name for name in others if name.split(".")[0] not in sys.stdlib_module_names] == []
    assert len(others) <= 12, others


def test_import_prints_nothing():
    result = subprocess.run([sys.executable, "-W", "error", "-c", "import minigrad"], check=False, cwd=ROOT, text=True,
                            capture_output=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


TIMED_IMPORT = """
import sys, time
start = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - start)
"""


@pytest.mark.slow
def test_import_takes_at_most_half_again_numpys_time():
    """Interleaved, and the fastest of each: what else runs on the machine slows imports down, it never speeds one up."""
    seconds = {"numpy": [], "minigrad": []}
    for name in seconds:
        python(TIMED_IMPORT, name)  # compiles what is not compiled yet
    for _ in range(25):
        for name, times in seconds.items():
            times.append(float(python(TIMED_IMPORT, name)))
    assert min(seconds["minigrad"]) <= 1.5 * min(seconds["numpy"])
