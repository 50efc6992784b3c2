"""Exchange: how drives learn of each other's trials."""
