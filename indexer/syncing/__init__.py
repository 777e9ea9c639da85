"""Keeps sources in step: reads each from its mark on, finds what was deleted there, and does so on a schedule. How a
source is read is in `sources/`, how its records are stored in `loading/`."""
