"""Other optimizers, in synchronous rounds over the unit cube; each module has `make(name, dimensions, workers, seed)`."""
