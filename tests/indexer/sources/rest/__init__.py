"""Tests of what all sources share that ask a REST interface."""
