"""Entry point of `python -m hyperspace`, which equals the command `hyperspace`."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C during its import exits with code 130 and without a traceback."""
    try:
        from hyperspace.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
