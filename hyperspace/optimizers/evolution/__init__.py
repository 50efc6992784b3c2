"""Evolutionary and swarm algorithms."""
