"""Programs that maintainers run to make the files and constants that ship with Kollega. They are not in the wheel, and
nothing outside of this folder imports them.
"""
