"""Tests of indexer/jobs/."""
