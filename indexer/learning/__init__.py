"""Models fitted to an organisation's own history, used only when they are better on its newest questions.

Fitting what ships with Kollega is in `research/`.
"""
