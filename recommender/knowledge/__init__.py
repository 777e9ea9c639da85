"""What can be done with requests and documents, and the outcomes of suggestions. The tables are in database/."""
