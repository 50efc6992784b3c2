"""The drive loop: one run of a study, in rounds or asynchronously."""
