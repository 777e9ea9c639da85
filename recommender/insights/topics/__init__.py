"""What the organisation is asked about: how topics form, keep their name and are edited, and which items they hold.
Who knows a topic, and every other figure about one, belongs in the folders beside this one."""
