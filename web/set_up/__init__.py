"""Setting up a new installation in a browser: the code that the server printed, the organisation, the first admin, its
teams, and where its knowledge comes from. What `kollega init` does too is in recommender/first_run/."""
