"""One module or folder for each source. A source yields records; `loading/` puts them into the database."""
