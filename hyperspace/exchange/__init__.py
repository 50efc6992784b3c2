"""How drives learn of each other's trials: the exchanges, the ranks of a run, and their messages."""
