"""The package's layers and its import weight: who may import whom, and what stays unloaded until it is needed."""

import ast
from pathlib import Path

import pytest

import hyperspace
from hyperspace.exchange.spec import EXCHANGES
from hyperspace.strategies import STRATEGIES

PACKAGE = Path(hyperspace.__file__).parent

# The rooms from the bottom up; a room holds the modules below its name, except those that are rooms of their own. A module
# imports from its own room and from rooms of lower layers. Rooms of one layer do not import each other.
LAYERS = [
    ["typing", "system.terminal"],  # errors are shown on terminals
    ["errors"],
    ["system"],
    ["numerics"],
    ["space"],
    ["trials"],
    ["targets"],
    ["exchange.spec", "pruning", "stopping", "surrogates"],
    ["acquisition"],
    ["optimizers"],
    ["strategies"],
    ["journal"],
    ["study"],
    ["cluster", "exchange"],
    ["evaluators"],
    ["results"],
    ["execution"],
    ["api"],
    ["plots", "testing"],
    ["report"],
    ["cli"],
    ["__main__"],
]

# The only modules that may import these at all; a package stands for all modules in it.
HOMES = {
    "cloudpickle": {"evaluators.sending"},
    "cma": {"optimizers.evolution.cmaes"},
    "inspyred": {"optimizers.evolution.inspyred"},
    "matplotlib": {"cli.plot_command", "plots", "report.figures"},
    "mpi4py": {"evaluators.mpi", "exchange"},
    "pandas": {"cli.export", "results"},
    "pymoo": {"optimizers.evolution.pymoo"},
    "rich": {"cli.demonstration", "cli.printing", "cli.watching", "execution.progress"},
    "scipy.stats": set(),
    "sklearn": {"surrogates.forest"},
    "skopt": {"space"},
    "threadpoolctl": {"numerics.threads"},
    "torch": {"surrogates.networks"},
    "typer": {"cli"},
}

HEAVY = ["matplotlib", "mpi4py", "pandas", "rich", "scipy", "sklearn", "skopt", "torch", "typer"]


def modules():
    """Return the package's modules: dotted name below the package -> file."""
    files = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {name.removesuffix(".__init__"): path for name, path in files.items() if name != "__init__"}


def imports(tree, everything):
    """Yield the full names that a syntax tree imports; without `everything`, only those of its module level at run time."""
    for node in tree.body if not everything else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "the package imports by full names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Try) and not everything:
            yield from imports(node, everything)


def own(names):
    """Turn imported names into modules of this package."""
    known = modules()
    for name in names:
        if name.startswith("hyperspace."):
            below = name.removeprefix("hyperspace.")
            while below and below not in known:
                below = below.rpartition(".")[0]
            if below:
                yield below


def room_of(module):
    """Return a module's room and the number of its layer."""
    layers = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
    room = module
    while room and room not in layers:
        room = room.rpartition(".")[0]
    assert room, f"hyperspace.{module} is in no room; give it one in {Path(__file__).name}"
    return room, layers[room]


@pytest.mark.parametrize("module", modules())
def test_imports_go_down(module):
    room, layer = room_of(module)
    tree = ast.parse(modules()[module].read_text())
    for imported in own(imports(tree, everything=True)):
        other, below = room_of(imported)
        assert other == room or below < layer, f"{module} must not import {imported}, which is in a higher layer or beside it"


def test_no_module_needs_itself():
    needs = {name: set(own(imports(ast.parse(path.read_text()), everything=False))) for name, path in modules().items()}
    while ready := {name for name, needed in needs.items() if not needed & needs.keys()}:
        needs = {name: needed for name, needed in needs.items() if name not in ready}
    assert not needs, "these modules import each other in a circle"


@pytest.mark.parametrize("module", modules())
def test_libraries_are_imported_only_in_their_homes(module):
    for name in imports(ast.parse(modules()[module].read_text()), everything=True):
        for library, homes in HOMES.items():
            if name == library or name.startswith(f"{library}."):
                assert any(f"{module}.".startswith(f"{home}.") for home in homes), (
                    f"{module} must not import {library}; its homes are {sorted(homes)}"
                )


def compared_names(tree):
    """Yield the names of exchanges and strategies that code compares with; it should ask for a property of the spec."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for part in (node.left, *node.comparators):
                words = part.elts if isinstance(part, (ast.Tuple, ast.List, ast.Set)) else [part]
                yield from (w.value for w in words if isinstance(w, ast.Constant) and w.value in {*EXCHANGES, *STRATEGIES})


@pytest.mark.parametrize("module", sorted(modules()))
def test_exchanges_and_strategies_are_not_compared_by_name(module):
    assert not list(compared_names(ast.parse(modules()[module].read_text())))


def test_the_rules_see_a_breach():
    tree = ast.parse("import scipy.stats as s\nfrom hyperspace.api import hyperdrive\ndef f():\n    from torch import nn")
    assert list(imports(tree, everything=True)) == ["scipy.stats", "hyperspace.api.hyperdrive", "torch.nn"]
    assert list(own(imports(tree, everything=False))) == ["api.hyperdrive"]
    assert list(compared_names(ast.parse('a == "round" or b in ("static", None)'))) == ["round", "static"]
    assert room_of("api")[1] > room_of("surrogates.gp.posterior")[1]


def test_importing_the_package_loads_nothing_heavy(python):
    loaded = python("import hyperspace, sys; dir(hyperspace); print(*sorted(sys.modules))").stdout.split()
    assert "hyperspace" in loaded
    assert not {name.partition(".")[0] for name in loaded} & {*HEAVY, "numpy"}


def test_importing_the_face_loads_no_library_but_numpy_and_scipy(python):
    """What a program needs to describe its study; the optimizers' libraries load when the study begins."""
    program = "from hyperspace import hyperdrive, Real, Integer, Categorical, Metric; import sys; print(*sorted(sys.modules))"
    loaded = python(program).stdout.split()
    assert "scipy.stats" not in loaded
    assert not {name.partition(".")[0] for name in loaded} & ({*HEAVY} - {"scipy"})


def test_a_gp_rank_stays_light(mpirun):
    program = """
        import resource, sys
        from hyperspace import hyperdrive
        hyperdrive(lambda x: (x[0] - 0.3) ** 2 + x[1] ** 2, [(0.0, 1.0), (0.0, 1.0)], "results", n_iterations=5, random_state=0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        heavy = {"matplotlib", "pandas", "scipy.stats", "sklearn", "skopt", "torch"} & set(sys.modules)
        print(f"peak {peak} MB, loaded {sorted(heavy)}", flush=True)
    """
    lines = mpirun(2, program).stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.endswith("loaded []")
        assert int(line.split()[1]) < 120


@pytest.mark.parametrize("name", hyperspace.__all__)
def test_every_public_name_is_there(name):
    assert getattr(hyperspace, name) is not None
    assert name in dir(hyperspace)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="hyperdrives"):
        hyperspace.hyperdrives  # noqa: B018
    with pytest.raises(ImportError, match="hyperdrives"):
        exec("from hyperspace import hyperdrives")


def test_the_lazy_names_are_those_that_type_checkers_see():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == hyperspace._HOMES
    assert set(hyperspace.__all__) == {*seen, "__version__"}
