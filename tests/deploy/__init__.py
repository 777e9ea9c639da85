"""Tests of the files in deploy/, by the programs that read them, where these are installed."""
