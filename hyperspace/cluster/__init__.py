"""Slurm: batch scripts, and the remaining time of a job."""
