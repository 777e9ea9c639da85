"""What a person who supports an installation would ask for, as findings with what to do next: `kollega doctor` prints
them and the page about the system shows them. Findings have no private text: no name, title, address, path or
secret."""
