"""`python -m hyperspace` is the command `hyperspace`."""

from hyperspace.cli import main

if __name__ == "__main__":
    main()
