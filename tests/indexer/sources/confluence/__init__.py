"""Tests of indexer/sources/confluence/."""
