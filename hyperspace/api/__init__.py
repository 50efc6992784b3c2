"""Public functions: `hyperdrive`, the searches by name, and `hyperbelt`."""
