"""Slurm: batch scripts, and how much time a job has left."""
