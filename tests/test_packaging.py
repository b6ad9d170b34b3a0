"""What people install: setup.cfg against the tree, the README's commands, and (slow) real installs of three kinds."""
import ast
import configparser
import fnmatch
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tests" / "typing_script.py"
# Where a package's files lie in the tree, outermost first.
FOLDERS = {"minigrad": ROOT / "minigrad", "minigrad.kernels": ROOT / "kernels"}


def setup_cfg():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def package_files():
    """(package, file) for every file that the tree holds under a package."""
    for top, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield ".".join((top, *path.relative_to(folder).parent.parts)), path


def commands_module():
    spec = importlib.util.spec_from_file_location("readme_commands", ROOT / ".ci" / "readme_commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# setup.cfg


def test_every_package_folder_is_listed():
    folders = {package for package, path in package_files() if path.suffix == ".py"}
    assert set(lines(setup_cfg()["options"]["packages"])) == folders


def test_every_package_folder_has_an_init():
    for package in lines(setup_cfg()["options"]["packages"]):
        top = "minigrad.kernels" if package.startswith("minigrad.kernels") else "minigrad"
        assert FOLDERS[top].joinpath(*package[len(top):].split(".")[1:], "__init__.py").is_file(), package


def test_every_data_file_is_installed():
    patterns = {package: lines(text) for package, text in setup_cfg()["options.package_data"].items()}
    left_out = [str(path.relative_to(ROOT)) for package, path in package_files()
                if path.suffix != ".py" and not any(fnmatch.fnmatch(path.name, p) for p in patterns.get(package, []))]
    assert left_out == []


def test_version_is_a_literal():
    """setuptools reads a literal without importing the package, which would need NumPy."""
    tree = ast.parse((ROOT / "minigrad" / "__init__.py").read_text(encoding="utf-8"))
    values = [node.value for node in tree.body
              if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__version__"]]
    assert len(values) == 1 and isinstance(values[0], ast.Constant)
    assert re.fullmatch(r"\d+\.\d+\.\d+", values[0].value)
    assert setup_cfg()["metadata"]["version"] == "attr: minigrad.__version__"


def test_numpy_is_the_only_hard_dependency():
    assert lines(setup_cfg()["options"]["install_requires"]) == ["numpy >= 2.0"]


def test_test_extra_holds_what_the_demo_needs():
    extras = {name: set(lines(text)) for name, text in setup_cfg()["options.extras_require"].items()}
    assert set(extras) == {"cuda12", "cuda13", "fast", "plot", "html", "demo", "test"}
    assert extras["plot"] <= extras["demo"] <= extras["test"]


def test_pyproject_holds_the_build_system_only():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("[")] == ["[build-system]"]


# The README's commands


@pytest.mark.parametrize("heading, run", [("## See it", "-m minigrad gradflow"), ("## Test it", "-m pytest")])
def test_readme_has_the_commands_that_ci_runs(heading, run):
    block = commands_module().commands((ROOT / "README.md").read_text(encoding="utf-8"), heading)
    assert run in block
    assert "python3 -m venv" in block and "pip install" in block  # it creates what it needs


@pytest.mark.parametrize("text, expected", [
    ("# T\n## See it\ntext\n```sh\na && b\n```\n## Next\n```sh\nno\n```\n", "a && b\n"),
    ("## See it\n```sh\n# a comment, no heading\na\n```\n", "# a comment, no heading\na\n"),
    ("## Other\n```sh\nno\n```\n## See it\n```python\nx\n```\n### Deeper\n```sh\na\nb\n```\n", "a\nb\n"),
    ("```\n## See it\n```\n## See it\n```sh\na\n```", "a\n"),
])
def test_readme_block_is_found(text, expected):
    assert commands_module().commands(text, "## See it") == expected


@pytest.mark.parametrize("text, message", [
    ("# T\n", "no heading '## See it'"),
    ("## See it\n```python\nx\n```\n", "found 0"),
    ("## See it\n## Next\n```sh\na\n```\n", "found 0"),
    ("## See it\n```sh\na\n```\n```sh\nb\n```\n", "found 2"),
    ("## See it\n```sh\na\n", "not closed"),
    ("## See it\n```sh\n\n```\n", "empty"),
    ("## See it\n```sh\na\n```\n## See it\n", "two headings"),
])
def test_readme_block_that_is_not_one_is_refused(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        commands_module().commands(text, "## See it")


# Installs: each in a new virtual environment, from a copy of the tree, so that no build litters the sources


def run(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    result = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, text=True, capture_output=True,
                            check=False)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def executable(environment, name):
    return environment / ("Scripts" if os.name == "nt" else "bin") / name


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Makes a fresh copy of what a clone holds."""
    def copy(name):
        folder = tmp_path_factory.mktemp(name) / "source"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(
            ".git", ".venv", ".*_cache", "__pycache__", "*.egg-info", "build", "dist", "tests"))
        return folder
    return copy


@pytest.fixture(scope="module")
def installed(copied, tmp_path_factory):
    """installed(kind): a virtual environment with minigrad from a wheel, an sdist or an editable install, made once."""
    made = {}

    def install(kind):
        if kind not in made:
            source = copied(kind)
            environment = tmp_path_factory.mktemp("environment")
            venv.create(environment, with_pip=True)
            if kind == "editable":
                what = ["-e", source]
            else:
                run(sys.executable, "-m", "build", f"--{kind}", "--outdir", source / "made", source, cwd=source)
                what = list((source / "made").iterdir())
                assert len(what) == 1
            run(executable(environment, "python"), "-m", "pip", "install", "-q", *what, cwd=environment)
            made[kind] = environment
        return made[kind]
    return install


PROBE = """
import importlib, importlib.metadata, importlib.resources, sys
for package in sys.argv[1:]:
    importlib.import_module(package)
import minigrad
assert importlib.metadata.version("minigrad") == minigrad.__version__
assert importlib.resources.files("minigrad").joinpath("py.typed").is_file()
for entry in sorted(importlib.resources.files("minigrad.kernels").iterdir(), key=lambda entry: entry.name):
    if entry.name.endswith(".cu"):
        print(entry.name, len(entry.read_text(encoding="utf-8")))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_install_brings_packages_texts_and_types(kind, installed, tmp_path):
    environment = installed(kind)
    packages = lines(setup_cfg()["options"]["packages"])
    texts = run(executable(environment, "python"), "-I", "-c", PROBE, *packages, cwd=tmp_path).split()
    expected = [str(part) for path in sorted((ROOT / "kernels").glob("*.cu"), key=lambda path: path.name)
                for part in (path.name, len(path.read_text(encoding="utf-8")))]
    assert len(expected) > 0 and texts == expected


STEP = """
import minigrad
w = minigrad.tensor([1.0, -2.0], requires_grad=True)
optimizer = minigrad.optim.SGD([w], lr=0.5)
(w * w).sum().backward()
optimizer.step()
print(w.tolist(), len(minigrad.kernels.names()) > 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_install_takes_a_step(kind, installed, tmp_path):
    """The gradient of w^2 is 2w, so a step of 0.5 lands on zero; the rule's text is among the installed files."""
    python = executable(installed(kind), "python")
    assert run(python, "-W", "error", "-I", "-c", STEP, cwd=tmp_path) == "[0.0, 0.0] True\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_install_brings_the_command(kind, installed, tmp_path):
    assert "gradflow" in run(executable(installed(kind), "minigrad"), "--help", cwd=tmp_path)


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(installed):
    """Read off the wheel's own list of files, RECORD."""
    (information,) = installed("wheel").rglob("minigrad-*.dist-info")
    files = {line.rsplit(",", 2)[0] for line in (information / "RECORD").read_text(encoding="utf-8").splitlines()}
    inside = {file for file in files if not file.startswith("minigrad-") and "__pycache__" not in file}
    expected = {"/".join((*package.split("."), path.name)) for package, path in package_files()}
    assert {file for file in inside if not file.startswith("..")} == expected
    assert f"{information.name}/licenses/LICENSE" in files
    metadata = (information / "METADATA").read_text(encoding="utf-8")
    assert "\nRequires-Python: >=3.10\n" in metadata
    assert "\nLicense: MIT\n" in metadata
    assert re.findall(r"\nRequires-Dist: ([^;\n]*)(?=\n)", metadata) == ["numpy>=2.0"]


# Types, as a user's checker sees them


def mypy(environment, script, cache):
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache),
               "--python-executable", str(executable(environment, "python")), str(script)]
    result = subprocess.run(command, check=False, cwd=cache, text=True, capture_output=True)
    assert result.stderr == ""
    return result


@pytest.mark.slow
def test_mypy_accepts_a_script_that_uses_the_public_api(installed, tmp_path):
    script = shutil.copy(SCRIPT, tmp_path)  # away from the sources, so that the installed package is what is read
    result = mypy(installed("wheel"), script, tmp_path)
    revealed = re.findall(r'Revealed type is "(.*)"', result.stdout)
    assert result.returncode == 0, result.stdout
    uses = re.findall(r"^ +reveal_type\(", SCRIPT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert revealed == ["minigrad.tensor.Tensor"] * len(uses)


@pytest.mark.slow
def test_mypy_refuses_what_is_wrong(installed, tmp_path):
    """Were everything typed as Any, the test above would pass on any script."""
    script = tmp_path / "wrong.py"
    script.write_text("import minigrad\n"
                      "total: int = minigrad.zeros(3).sum()\n"
                      "minigrad.optim.SGD([minigrad.zeros(3)], lr='fast')\n"
                      "minigrad.zeros(3).no_such_method()\n", encoding="utf-8")
    result = mypy(installed("wheel"), script, tmp_path)
    assert result.returncode == 1
    assert re.findall(r"wrong\.py:(\d+): error", result.stdout) == ["2", "3", "4"], result.stdout


PUBLIC_NAMES = """
import minigrad, types
for path in ("minigrad", "minigrad.Tensor", "minigrad.nn", "minigrad.nn.functional", "minigrad.nn.init",
             "minigrad.optim", "minigrad.data", "minigrad.cuda"):
    owner = minigrad
    for part in path.split(".")[1:]:
        owner = getattr(owner, part)
    for name in getattr(owner, "__all__", None) or dir(owner):
        of_instances = (types.ModuleType, types.MemberDescriptorType)  # slots cannot be asked of the class
        if not name.startswith("_") and not isinstance(getattr(owner, name), of_instances):
            print(f"{path}.{name}")
"""


# What these return depends on the data, or is a user's own.
OF_ANY_TYPE = {"minigrad.op", "minigrad.Tensor.face", "minigrad.Tensor.of", "minigrad.Tensor.item", "minigrad.Tensor.size",
               "minigrad.Tensor.tolist", "minigrad.data.collate", "minigrad.optim.from_arrays"}
# A tensor, or with return_indices or return_mask a pair.
OF_ANY_TYPE |= {f"minigrad.nn.functional.{name}" for name in (
    "adaptive_max_pool1d", "adaptive_max_pool2d", "cross_entropy_ohem", "max_pool1d", "max_pool2d", "nll_loss_ohem")}


@pytest.mark.slow
def test_every_public_name_has_a_type(installed, tmp_path):
    """What a checker knows only as Any it cannot check, and an editor cannot complete."""
    environment = installed("wheel")
    names = run(executable(environment, "python"), "-I", "-c", PUBLIC_NAMES, cwd=tmp_path).split()
    assert {"minigrad.tensor", "minigrad.Tensor.tanh", "minigrad.optim.Adam"} <= set(names)
    script = tmp_path / "names.py"
    imports = ("import minigrad, minigrad.cuda, minigrad.data, minigrad.nn, minigrad.nn.functional, minigrad.nn.init, "
               "minigrad.optim\n")
    script.write_text(imports + "".join(f"reveal_type({name})\n" for name in names), encoding="utf-8")
    result = mypy(environment, script, tmp_path)
    assert result.returncode == 0, result.stdout
    types = re.findall(r'Revealed type is "(.*)"', result.stdout)
    assert len(types) == len(names)
    unknown = {name for name, kind in zip(names, types) if kind == "Any" or kind.endswith("-> Any")}
    assert unknown - OF_ANY_TYPE == set()
