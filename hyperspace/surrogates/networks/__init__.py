"""Neural networks, and the Bayesian linear regression on their last layer."""
