"""Questions as staff would ask them on the demo organisation, judged by hand (see README.md)."""
