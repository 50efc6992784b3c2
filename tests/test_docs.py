"""The documentation: its programs run and print what the pages say, and its pictures can be drawn again."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from launch import ROOT, run_group

SPEC = importlib.util.spec_from_file_location("transcript", ROOT / "docs" / "transcript.py")  # no package: a folder of pages
transcript = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(transcript)

PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if '```python title="' in page.read_text()]
COMMAND = f"#!{sys.executable}\nfrom hyperspace.cli import main\nmain()\n"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Put the command `hyperspace` of this repository, and this python's programs, first on the path."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "hyperspace").write_text(COMMAND)
    (tmp_path / "bin" / "hyperspace").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_programs_print_what_the_page_says(page, installed, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    _, outputs = transcript.run(page.read_text(), folder)
    assert outputs
    for command, said, came in outputs:
        assert transcript.shape(came) == transcript.shape(said), f"{page.name}: $ {command}"


def test_outputs_are_compared_apart_from_numbers():
    said = "16 trials  best -0.97e-3 in 0:00:14\n 8/64 trials  best 1.5  0:00:24 left\n"
    assert transcript.shape(said) == transcript.shape("8 trials best 2 in 0:01:00")
    assert transcript.shape(said) != transcript.shape("16 trials worst -0.97e-3 in 0:00:14")


def test_the_pages_exist_that_are_linked_to():
    """mkdocs checks links between pages; this also holds for those that leave docs/, and for the README's."""
    for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            generated = page.parent == ROOT / "docs" and target == "CHANGELOG.md"
            assert generated or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_pictures_can_be_drawn_again(tmp_path):
    program = ROOT / "docs" / "pictures" / "partition.py"
    done = run_group([sys.executable, program, tmp_path], 120, tmp_path)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in tmp_path.iterdir()} == set(re.findall(r"^\w+\.(?:svg|png)", program.read_text(), re.MULTILINE))


def test_every_picture_has_a_program_that_draws_it():
    programs = "".join(program.read_text() for program in (ROOT / "docs" / "pictures").glob("*.py"))
    for picture in (ROOT / "docs" / "pictures").glob("*.[ps][nv]g"):
        assert picture.name in programs or f'"{picture.stem}"' in programs
