"""What an organisation is asked about, who knows it, where that hangs on one person, and what would help: one folder
each, and beside them what takes from all of them. Search and the choice of colleagues belong in search/ and people/."""
