"""Measures the insights on real questions, answers and times: sets turned into the import format, and the back-test of
the risk. The texts of the sets stay outside of the repository."""
