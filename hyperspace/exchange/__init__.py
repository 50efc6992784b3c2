"""Exchange: communication of trials between drives."""
