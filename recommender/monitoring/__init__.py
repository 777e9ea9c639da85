"""What somebody who runs Kollega watches: log lines, readiness, and how far the index is behind. Nothing that is shown
to people who ask."""
