"""What a written text holds besides words: HTML, encoded characters, code, embedded files. It knows no item and no
source."""
