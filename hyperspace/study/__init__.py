"""A study: what it was asked to be, what that decides, and the settings that result."""
