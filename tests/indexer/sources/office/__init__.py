"""Tests of indexer/sources/office."""
