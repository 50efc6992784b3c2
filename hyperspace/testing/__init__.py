"""Test problems, for benchmarks and demonstrations."""
