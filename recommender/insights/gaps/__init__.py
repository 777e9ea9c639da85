"""What is missing or out of date in what is written down about a topic, and how well documents are kept.
What is known but would leave with a person belongs in risk/."""
