"""`python -m hyperspace` is the command `hyperspace`."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is being imported ends it with exit code 130 and no traceback."""
    try:
        from hyperspace.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
