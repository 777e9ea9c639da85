"""What an organisation is asked about, who knows it, where that hangs on one person, and what would help. Search and
the choice of colleagues for one question belong in search/ and people/."""
