"""Folders of the project, for tests that read its files."""

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
