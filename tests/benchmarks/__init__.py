"""Benchmarks, which `make bench` and `make load` run; pytest does not collect them."""
