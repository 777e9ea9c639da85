"""Files that an admin uploads to be loaded: kept in the home directory until a job has looked at them and loaded them.
Who may upload is decided by the pages."""
