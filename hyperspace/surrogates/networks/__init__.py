"""Neural networks, and Bayesian linear regression on their last layer."""
