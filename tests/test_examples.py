"""The examples: each runs in a small setting and shows what its docstring promises."""

import ast
import re
import sys
from pathlib import Path

from launch import run_group

from hyperspace import load_results

EXAMPLES = Path(__file__).parent.parent / "examples"


def small(name, **changes):
    """Return the text of an example with other values for some of its constants."""
    text = (EXAMPLES / f"{name}.py").read_text()
    for constant, value in changes.items():
        text, found = re.subn(rf"^{constant} = .*$", f"{constant} = {value}", text, flags=re.MULTILINE)
        assert found == 1, f"{name}.py has no {constant}"
    return text


def numbers(output, *labels):
    """Return the last number of the line that begins with each of the labels."""
    lines = [line.strip() for line in output.splitlines()]
    return [float(next(line for line in lines if line.startswith(label)).rstrip("%").split()[-1]) for label in labels]


def test_every_example_is_tested_and_listed():
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    tested = set(re.findall(r"""(?:small\(|EXAMPLES / )["'](\w+)""", Path(__file__).read_text()))
    listed = set(re.findall(r"examples/(\w+)\.py", (EXAMPLES.parent / "docs" / "examples.md").read_text()))
    assert names <= tested
    assert names == listed


def test_a_scikit_learn_model_is_tuned(python):
    shown = python(small("train", N_CALLS=6), timeout=240).stdout
    assert "HyperSpace, 6 trials" in shown
    assert "random search, 6 trials" in shown


def test_four_ways_side_by_side_on_two_ranks(mpirun, tmp_path):
    arguments = ("--dimensions", 2, "--evaluations", 48, "--output", tmp_path / "picture.png")
    lines = mpirun(2, small("styblinski_tang"), *arguments, timeout=240).stdout.splitlines()
    assert len(lines) == 7  # one rank prints
    random, plain, static, adaptive = (float(line[24:].split()[1]) for line in lines[1:5])
    assert adaptive < random
    assert plain < random
    assert static < random
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_eleven_parameters_of_boosting(python):
    shown = python(small("boosting", N_CALLS=6), timeout=240).stdout
    assert len(re.findall(r"^  (?:\w+_\w+|gamma|subsample) +[\d.e-]+$", shown, re.MULTILINE)) == 11
    defaults, random, ours = numbers(shown, "defaults of XGBoost", "random search", "HyperSpace")
    assert min(defaults, random, ours) > 0


def test_a_network_is_tuned_with_a_network(python):
    shown = python(small("torch_digits", N_CALLS=20, EPOCHS=4), timeout=240).stdout
    assert re.search(r"\d+ trainings came to their end, \d+ were ended early", shown)
    assert all(20 < accuracy <= 100 for accuracy in numbers(shown, "without tuning", "tuned"))


def test_a_network_is_tuned_in_five_ways_in_one_table(python):
    program = small("evolution", POPULATION=2, GENERATIONS=2, TRAIN="slice(0, 200)")
    header, _, *rows = python(program, timeout=240).stdout.splitlines()
    assert header.split() == ["drive", "iteration", "learning_rate", "epochs", "batch_size", "accuracy", "seconds"]
    assert {row.split()[0] for row in rows} == {"random", "GA", "PSO", "PAES", "GP"}
    accuracies = [float(row.split()[-2]) for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)


def test_any_program_is_tuned_from_the_command_line(tmp_path):
    command = f"{sys.executable} {EXAMPLES / 'pid.py'} --kp {{kp}} --ki {{ki}} --kd {{kd}}"
    options = ["--space", EXAMPLES / "pid.toml", "--goal", "cost", "--n-calls", 64]
    done = run_group([sys.executable, "-m", "hyperspace", "run", "--command", command, *options], 240, tmp_path)
    assert done.returncode == 0, done.stderr
    assert numbers(done.stdout, "cost")[0] < 0.1  # as its first lines say
    errors = load_results(tmp_path / "results").trials["error"].dropna()
    assert errors.str.contains("exit code 1").all()
    assert errors.str.contains("unstable").any()


def test_a_surrogate_is_drawn(python, tmp_path):
    shown = python(small("surrogate"), "GP", "--samples", 7, "--output", tmp_path / "gp.png", timeout=240).stdout
    assert "next x = " in shown
    assert (tmp_path / "gp.png").stat().st_size > 10_000


def test_an_algorithm_of_ones_own_runs(python):
    lines = python((EXAMPLES / "own_algorithm.py").read_text()).stdout.splitlines()
    values = {line.split("  ", 1)[1].partition(" (")[0]: float(line.split()[0]) for line in (line.strip() for line in lines)}
    assert values["one climber in each of the 16 subspaces"] < values["random search"] - 5
    assert values["a portfolio of four"] >= values["the optimum"] - 1e-9


def test_the_algorithm_in_the_docs_is_that_of_the_example():
    text = (EXAMPLES.parent / "docs" / "bring-your-own.md").read_text()
    block = next(block for block in text.split("```python") if "class Climber" in block).partition("```")[0]
    example = next(node for node in ast.parse((EXAMPLES / "own_algorithm.py").read_text()).body if isinstance(node, ast.ClassDef))
    for method in example.body[1:]:
        del method.body[0]  # the docs leave out the methods' docstrings
    assert ast.unparse(ast.parse(block.strip())) == ast.unparse(example)


def test_all_algorithms_of_the_docs_are_there():
    from hyperspace import optimizers

    text = (EXAMPLES.parent / "docs" / "bring-your-own.md").read_text()
    table = text[text.index("| name | algorithm |") :].partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    for row in rows:
        name, _, _, options = (cell.strip() for cell in row.strip("|").split("|"))
        if name != "`RAND`":
            fields = getattr(optimizers, name.strip("`")).__dataclass_fields__
            named = {word.split("`")[0] for word in options.split("`")[1::2]}
            assert named <= set(fields) or "those of" in options
    assert {row.split("`")[1] for row in rows} == {*optimizers.ALGORITHMS, "BITGA", "RAND"}
