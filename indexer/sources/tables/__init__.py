"""Tables of other systems: reading their rows from CSV and Excel files, the mapping that says what each column is, and
making records of the rows."""
