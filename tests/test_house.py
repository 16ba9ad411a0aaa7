"""The house rules: what the runtime may need, what the wheel holds, what a file may not say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SCRIPTS: dict[str, str] = PROJECT["project"]["scripts"]
SAMPLE = ROOT / "samples" / "alternating_3ev.mov"

# What the runtime does without: other extras, and what only export and training use.
BEYOND_THE_RUNTIME = (
    *("torch", "onnx", "onnxscript", "safetensors", "skimage", "scipy", "entmax"),
    *("openvino", "tensorrt", "tensorrt_rtx", "cuda", "pycuda"),
)
# The shared ground, as the import contract names it; the rest of lrhdr may need torch.
SHARED: list[str] = next(
    contract["source_modules"]
    for contract in PROJECT["tool"]["importlinter"]["contracts"]
    if "shares" in contract["name"]
)

IMPORT_EVERYTHING = f"""
import importlib, pkgutil
runtime = importlib.import_module("lrhdr_engines")
children = pkgutil.walk_packages(runtime.__path__, "lrhdr_engines.", onerror=print)
names = [*{SHARED!r}, *(child.name for child in children)]
for name in names:
    importlib.import_module(name)
print(len(names), "modules imported")
"""


def python(
    code: str, *, blocked: tuple[str, ...] = (), executable: Path | str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter in which the `blocked` modules cannot be imported."""
    guard = f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
    paths = [str(ROOT), *(str(ROOT / folder) for folder in ("export", "engines", "benchmarks"))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "100"}
    return subprocess.run(
        [str(executable), "-c", guard + code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=120,
    )


def test_the_guard_itself_works() -> None:
    found = python("import torch", blocked=("torch",))
    assert found.returncode != 0
    assert "import of torch halted" in found.stderr


def test_the_runtime_imports_without_the_extras() -> None:
    found = python(IMPORT_EVERYTHING, blocked=BEYOND_THE_RUNTIME)
    assert found.returncode == 0, found.stderr
    assert int(found.stdout.split()[0]) >= 10, found.stdout


def test_the_base_dependencies_are_the_runtime() -> None:
    dependencies = " ".join(PROJECT["project"]["dependencies"]).lower()
    for name in BEYOND_THE_RUNTIME:
        assert not re.search(rf"\b{name}\b", dependencies)


def test_every_extra_and_dependency_is_pinned() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {name.lower() for name in re.findall(r"^([\w-]+)==", text, flags=re.MULTILINE)}
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.split(r"[\[<>=]", requirement)[0].lower() for requirement in wanted}
    assert names == pinned


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_command_has_help_without_torch(script: str) -> None:
    module, function = SCRIPTS[script].split(":")
    code = f"sys.argv = [{script!r}, '--help']\nfrom {module} import {function}\n{function}()"
    found = python(code, blocked=BEYOND_THE_RUNTIME)
    assert found.returncode == 0, found.stderr
    assert script in found.stdout
    assert "--help" in found.stdout


@pytest.mark.parametrize(
    ("script", "arguments", "extra"),
    [
        ("lrhdr-export", ["onnx"], "export"),
        ("lrhdr-export", ["verify", "folder"], "export"),
        ("lrhdr-export", ["film-weights", "film.pt"], "export"),
        ("lrhdr-train", ["--data", "photos", "--out", "run"], "train"),
    ],
)
def test_a_missing_extra_is_named_in_one_line(
    script: str, arguments: list[str], extra: str
) -> None:
    module, function = SCRIPTS[script].split(":")
    code = f"sys.argv = {[script, *arguments]!r}\nfrom {module} import {function}\n{function}()"
    found = python(code, blocked=BEYOND_THE_RUNTIME)
    assert found.returncode == 2, found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert f"pip install '.[{extra}]'" in found.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return next(folder.glob("lrhdr-*.whl"))


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    command = [sys.executable, "-m", "check_wheel_contents", str(wheel)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in (ROOT / "lrhdr", ROOT / "export" / "lrhdr_export"):
        assert f"{folder.name}/py.typed" in inside
    runtime = ROOT / "engines" / "lrhdr_engines"
    on_disk = {
        path.relative_to(runtime.parent).as_posix()
        for path in runtime.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    # The plugin's sources lie beside the package in a checkout, and in it in a wheel.
    on_disk |= {
        f"lrhdr_engines/plugin/src/{path.name}"
        for path in (ROOT / "engines" / "entmax_plugin").iterdir()
    }
    assert on_disk == {name for name in inside if name.startswith("lrhdr_engines/")}
    for exposures in (2, 3):
        assert f"lrhdr_engines/bundles/lite-{exposures}e/manifest.json" in inside


@pytest.mark.bare
def test_the_wheel_runs_in_a_bare_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    run([sys.executable, "-m", "venv", environment])
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    constraints = ROOT / "constraints.txt"
    run([programs / "python", "-m", "pip", "install", "--quiet", wheel, "-c", constraints])
    assert "torch" not in run([programs / "python", "-m", "pip", "list"]).lower()
    assert "modules imported" in run([programs / "python", "-c", IMPORT_EVERYTHING], tmp_path)
    assert "--engine" in run([programs / "lrhdr-run", "--help"], tmp_path)
    out = tmp_path / "out.mp4"
    run([programs / "lrhdr-run", SAMPLE, "-o", out, "--max-frames", "2"], tmp_path)
    assert out.stat().st_size > 0


def run(command: list[Path | str], folder: Path = ROOT) -> str:
    """Run a command that must succeed, outside of this project's Python path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert found.returncode == 0, f"{command}\n{found.stdout}{found.stderr}"
    return found.stdout


def test_no_file_names_a_folder_of_some_machine() -> None:
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("not a git checkout")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True).stdout
    folders = re.compile(rb"(?<![\w.:])/(?:work|tmp|root|farm|home|Users|mnt|opt)/\w+")
    named = {}
    for name in filter(None, names.decode().split("\0")):
        path = ROOT / name
        found = folders.search(path.read_bytes()) if path.is_file() else None
        if found:
            named[name] = found.group().decode()
    assert not named
