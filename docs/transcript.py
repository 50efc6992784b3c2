"""Run the programs and commands of a page in an empty folder, and write down what they print.

    python docs/transcript.py docs/tutorial.md

A block of Python with a title is a file: it is written under that name. In a console block every line that begins with "$ " is a
command; what stands below it is its output. Commands find the programs beside this python first. tests/test_docs.py runs the
same on all pages with such a file, and compares what stands there with what is printed, numbers apart.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r'^```(?:python title="(?P<file>[\w.]+)"|(?P<console>console))\n(?P<body>.*?)^```$', re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:[.:]\d+)*(?:e[-+]?\d+)?")


def run(text, folder, timeout=200):
    """Do in `folder` what a page says, and return the page with the outputs that came, and a list of (command, said, came)."""
    outputs = []

    def do(block):
        if block["file"]:
            (folder / block["file"]).write_text(block["body"])
            return block[0]
        _, *parts = re.split(r"^\$ ", block["body"], flags=re.MULTILINE)
        lines = []
        for part in parts:
            command, _, said = part.partition("\n")
            came = shell(command, folder, timeout)
            outputs.append((command, said, came))
            lines.append(f"$ {command}\n{came}")
        return "```console\n" + "".join(lines) + "```"

    return BLOCK.sub(do, text), outputs


def shell(command, folder, timeout):
    """Return what a command prints."""
    beside = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": beside + os.pathsep + os.environ["PATH"], "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    environment.pop("PYTHONUNBUFFERED", None)  # a line that a rank prints stays whole
    process = subprocess.Popen(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
        raise
    printed = printed.replace(f"{folder}{os.sep}", "")  # where the programs are run is of no interest
    return "".join(f"{line.rstrip()}\n" for line in printed.splitlines())


def shape(output):
    """Return an output without what may differ: numbers, spaces, the length of a bar, and how often progress was shown."""
    lines = [" ".join(re.sub("━+", "━", NUMBER.sub("N", line)).split()) for line in output.splitlines()]
    return [line for line in lines if not line.endswith(" left")]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            page, _ = run(Path(name).read_text(), Path(folder))
        Path(name).write_text(page)
