"""Measuring search and the suggestion of colleagues on sets of questions with known answers.

Learning from an organisation's own history is in `learning/`; fitting the shipped weights is in `research/`.
"""
