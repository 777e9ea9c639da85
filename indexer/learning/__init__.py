"""Models fitted to an organisation's own history, used only when they are better on its newest questions.

Fitting the weights that ship with Kollega is in `research/`.
"""
