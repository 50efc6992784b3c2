"""What the trials of a study tell: who is doing what, who found what, which parameters matter, and how far to trust the model."""
