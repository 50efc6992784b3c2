import ast
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


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
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for row in rows:
        name, _, _, options = (cell.strip() for cell in row.strip("|").split("|"))
        if name != "`RAND`":
            fields = getattr(optimizers, name.strip("`")).__dataclass_fields__
            named = {word.split("`")[0] for word in options.split("`")[1::2]}
            assert named <= set(fields) or "those of" in options
    assert {row.split("`")[1] for row in rows} == {*optimizers.ALGORITHMS, "BitGA", "RAND"}
