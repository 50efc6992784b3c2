"""What is done to a study, and what is lost: killed processes, damaged files, and random schedules of both and of more.

    python -m benchmarks.reliability kills --times 100
    python -m benchmarks.reliability damage --times 10000
    python -m benchmarks.reliability schedules --count 500
    python -m benchmarks.reliability table

The schedules are drawn in `schedule`, played by `play` with the help of `actors` and `disks`, and judged by `judge`. The program
that they run is `program`; it writes down what it evaluates outside of the study's folder.
"""
