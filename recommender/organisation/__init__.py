"""What an organisation sets in Kollega itself: its name, languages, time zone, look, and some of the settings. What the
environment sets wins over it. Who may change it is decided by the pages and commands that do."""
