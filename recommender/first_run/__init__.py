"""What happens once, before an installation is in use: the code that `kollega serve` prints, the first admin, the teams
that most organisations have, and the list of what is still to be done. Pages and `kollega init` call these."""
