"""What maintainers run to make the files and constants that ship with Kollega. Not part of the wheel."""
