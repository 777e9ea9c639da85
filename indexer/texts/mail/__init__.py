"""Mail as text: headers decoded, character sets that lie, and what a person wrote without quotes and signatures."""
