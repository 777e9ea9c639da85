"""Pages for leads: what is asked, who knows it, what hangs on one person, and what would help. What they show is
computed in recommender/insights/; only drawing and wording belong here."""
