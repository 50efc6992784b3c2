"""What the tests of the command line share: an objective and a program in files, and quick options."""

import sys

TRAIN = """
import os
space = {"x": (0.0, 1.0), "kind": ["good", "bad"]}
other = {"x": (0.5, 1.0), "kind": ["good", "bad"]}
def objective(parameters):
    return (parameters["x"] - 0.3) ** 2 + (parameters["kind"] == "bad")
def several(parameters):
    return {"error": objective(parameters), "accuracy": 1 - parameters["x"]}
def sometimes(parameters):
    calls.append(parameters)
    if len(calls) % 2:
        raise ValueError("not this one")
    return objective(parameters)
calls = []
def fails(parameters):
    os._exit(3)
"""
SIMULATION = """
import json, sys
x, kind = float(sys.argv[1]), sys.argv[2]
print("warming up")
print(json.dumps({"loss": (x - 0.3) ** 2 + (kind == "bad"), "x": x}))
"""
SPACE = 'x = [0.0, 1.0]\nkind = ["good", "bad"]\n'
QUICK = ["--model", "RAND", "--n-calls", "6"]
COMMAND = f"{sys.executable} simulation.py {{x}} {{kind}}"
HYPERSPACE = [sys.executable, "-P", "-m", "hyperspace"]
