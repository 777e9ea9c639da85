"""Pages for admins, and what leads see of them: people, teams, sources, index, words, settings and all that commands do
too. What a page and a command both do is in recommender/; only forms, tables and wording belong here."""
