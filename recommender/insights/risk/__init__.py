"""How far a topic hangs on few people: who knows it, what would be lost, and the plan of acts that lowers it.
What is missing whoever is here belongs in gaps/, and who is good for one question in recommender/people/."""
