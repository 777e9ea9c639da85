"""Tests of indexer/sources/tables."""
