"""One module or folder for each kind of source; `protocol.py` says what each must have, `kinds.py` lists them. A source
yields records; `loading/` puts them into the database."""
