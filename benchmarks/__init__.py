"""Benchmarks of the tap beside its peers: `make bench`."""
