"""Tests of indexer/sources/mediawiki/."""
