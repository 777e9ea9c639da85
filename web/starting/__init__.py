"""What is made before the first visitor comes. What each page does while it is asked for belongs elsewhere."""
