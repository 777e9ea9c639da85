"""What is done with attached files beside the server: the check that an admin has set, and reading their text."""
