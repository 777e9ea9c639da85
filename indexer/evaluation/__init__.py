"""Measuring search and expert suggestion on sets of questions whose answers are known."""
