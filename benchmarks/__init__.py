"""Measures the tap against the sandbox, and against peers in the same run."""
