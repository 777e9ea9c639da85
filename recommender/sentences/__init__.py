"""Sentences of Kollega that are told to people: errors, problems of imports and jobs, findings of checks. They are
English where they are made, printed and logged, and in the language of the reader where a page shows them."""
