"""Models fitted to an organisation's own history."""
