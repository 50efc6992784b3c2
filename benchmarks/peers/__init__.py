"""Other optimizers, in synchronous rounds over the unit cube. Each module has `make(name, dimensions, workers, seed, **settings)`."""
