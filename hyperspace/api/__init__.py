"""What users call: `hyperdrive`, the searches by name, `hyperbelt`."""
