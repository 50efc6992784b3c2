r"""A program that knows nothing of HyperSpace, tuned from the command line: a controller that turns a motor to an angle.

    hyperspace run --command "python examples/pid.py --kp {kp} --ki {ki} --kd {kd}" --space examples/pid.toml \
        --goal cost --n-calls 64

It simulates five seconds and prints what they cost as JSON. With gains that are too high the motor swings ever further, and the
program ends with exit code 1. What one sees: such evaluations are recorded as failed, with what the program wrote, and the search
keeps away from there; the cost falls from 1.8 for gains in the middle of their ranges to less than 0.1.
"""

import argparse
import json
import sys
from collections import deque

STEP, END, DELAY = 0.005, 5.0, 20  # seconds, seconds, steps from the sensor to the controller


def simulate(kp, ki, kd):
    """Return the integral of t |error| and by how much the angle overshoots 1; None if it is unstable."""
    angle = speed = integral = cost = overshoot = 0.0
    measured = deque([0.0] * (DELAY + 1), maxlen=DELAY + 1)
    for step in range(int(END / STEP)):
        measured.append(angle)
        error, rate = 1.0 - measured[0], (measured[0] - measured[1]) / STEP
        integral += error * STEP
        force = kp * error + ki * integral + kd * rate
        speed += STEP * (force - 1.5 * speed - 2.0 * angle)
        angle += STEP * speed
        if abs(angle) > 100.0:
            return None
        cost += STEP * (step * STEP) * abs(1.0 - angle)
        overshoot = max(overshoot, angle - 1.0)
    return {"cost": cost, "overshoot": overshoot}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for gain in ("kp", "ki", "kd"):
        parser.add_argument(f"--{gain}", type=float, required=True)
    result = simulate(**vars(parser.parse_args()))
    if result is None:
        sys.exit("unstable")
    print(json.dumps(result))
