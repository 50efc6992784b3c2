"""The wheel and the sdist: complete, installable without the repository, and light to install."""

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from launch import ROOT, clean_environment, run_group

import hyperspace

_SKIPPED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")


def skipped(folder, names):
    """Return what of a folder is not copied: what is made by running things."""
    made = {"results"} if Path(folder) in (ROOT, ROOT / "benchmarks") else set()
    return _SKIPPED(folder, names) | made


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Build the sdist, and the wheel from the sdist; return both paths."""
    folder = tmp_path_factory.mktemp("distributions")
    shutil.copytree(ROOT, folder / "source", ignore=skipped)  # so that nothing is left in the repository
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder / "source"]
    done = run_group(command, 120, folder, PYTHONPATH="")
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def site(distributions, tmp_path_factory):
    """Install the wheel, and only it, into a folder."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, distributions[1]]
    subprocess.run(command, check=True, timeout=120, env=clean_environment(PIP_NO_INDEX="1"))
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(distributions):
    files = {name for name in zipfile.ZipFile(distributions[1]).namelist() if ".dist-info/" not in name}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "hyperspace").rglob("*.py")}
    assert files == sources | {"hyperspace/py.typed", "hyperspace/report/script.js", "hyperspace/report/style.css"}


def test_the_sdist_holds_what_is_needed_to_test_and_to_build(distributions):
    with tarfile.open(distributions[0]) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "LICENSE", "CHANGELOG.md", "constraints.txt", "ruff.toml", "mkdocs.yml", "examples/train.py"} <= files
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")} <= files


def test_the_metadata(distributions):
    with zipfile.ZipFile(distributions[1]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(wheel.read(name))
    assert metadata["Name"] == "hyperspace"
    assert metadata["Version"] == hyperspace.__version__
    assert metadata["License-Expression"] or metadata["License"] == "MIT"
    extras = {"mpi", "dnn", "evolve", "plot", "parquet", "bench", "examples", "docs", "test", "all"}
    assert set(metadata.get_all("Provides-Extra")) == extras
    core = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert not re.search("torch|mpich|matplotlib|pytest|optuna", " ".join(core))


def test_every_dependency_is_pinned(distributions):
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#"))
    pins = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins.items()}
    with zipfile.ZipFile(distributions[1]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        required = email.message_from_bytes(wheel.read(name)).get_all("Requires-Dist")
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in required} - {"hyperspace"}
    assert names <= pins.keys()
    assert pins["torch"] == "2.13.0"


def test_the_wheel_works_without_the_repository(site, tmp_path):
    program = (
        "import hyperspace; print(hyperspace.__file__); print(*dir(hyperspace)); from hyperspace import hyperdrive, load_results"
    )
    done = run_group([sys.executable, "-c", program], 60, tmp_path, PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    file, names = done.stdout.splitlines()
    assert file == str(site / "hyperspace" / "__init__.py")
    assert names.split() == hyperspace.__all__


def test_the_wheel_brings_the_command(site, tmp_path):
    done = run_group([site / "bin" / "hyperspace", "--version"], 60, tmp_path, PYTHONPATH=str(site))
    assert done.stdout == f"hyperspace {hyperspace.__version__}\n"
