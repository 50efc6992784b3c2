"""The command line: what each command prints, and that an error is one sentence and no traceback."""

import os
import subprocess
import sys

import pytest

COMMANDS = ("demo", "run", "status", "best", "failures", "front", "export", "plot", "report", "stop", "slurm")


def test_help_names_the_commands_there_are(command):
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    for name in COMMANDS:
        assert f" {name} " in out
    assert command()[1].strip() == out.strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command, name):
    code, out, _ = command(name, "-h")
    assert code == 0
    assert f"hyperspace {name}" in out


@pytest.mark.parametrize("name", ["status", "best", "export", "plot", "report", "stop"])
def test_a_path_without_a_study_is_one_sentence(command, tmp_path, name):
    code, out, err = command(name, tmp_path / "nothing")
    assert (code, out) == (1, "")
    assert err.startswith("hyperspace: ")
    assert "nothing" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("name", ["status", "best", "front", "failures", "export", "plot", "report", "stop"])
def test_a_file_is_no_study(command, tmp_path, name):
    (tmp_path / "file.txt").write_text("")
    code, out, err = command(name, tmp_path / "file.txt")
    assert (code, out, err) == (1, "", f"hyperspace: {tmp_path / 'file.txt'} is a file, not the folder of a study\n")


def test_an_unknown_command_is_a_usage_error(command):
    code, _, err = command("dance")
    assert code == 2
    assert "dance" in err


def test_a_reader_that_closes_the_pipe_gets_no_traceback(python, tuned):
    program = """
        import os, sys
        from hyperspace.cli import main
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
        sys.argv = ["hyperspace", "export", sys.argv[1]]
        main()
    """
    done = python(program, tuned, check=False)
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


@pytest.fixture
def to_a_full_disk(tuned):
    """Run a command with its standard output on a full disk."""

    def run(*arguments):
        words = [sys.executable, "-m", "hyperspace", *arguments, str(tuned)]
        with open("/dev/full", "w") as full:
            return subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    return run


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["best"], ["export"], ["status"], ["status", "--watch"], ["best", "--format", "csv"]])
def test_an_output_that_cannot_be_written_is_one_sentence(to_a_full_disk, arguments):
    done = to_a_full_disk(*arguments)
    assert (done.returncode, done.stderr) == (1, "hyperspace: standard output cannot be written: No space left on device\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [[], ["--watch"]])
def test_the_exit_code_of_status_is_the_states_whatever_becomes_of_its_output(to_a_full_disk, arguments):
    done = to_a_full_disk("status", "--exit-code", *arguments)
    assert (done.returncode, "cannot be read" in done.stderr) == (0, False)


def test_ctrl_c_while_the_command_line_is_imported_is_an_exit_code_and_no_traceback(python):
    program = """
        import builtins, sys
        from hyperspace.__main__ import main
        real = builtins.__import__
        def interrupted(name, *rest):
            if name == "typer":
                raise KeyboardInterrupt
            return real(name, *rest)
        builtins.__import__ = interrupted
        main()
    """
    done = python(program, check=False)
    assert (done.returncode, done.stderr) == (130, "")
