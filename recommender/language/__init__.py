"""Language detection and terms: lemmas, word lists, synonyms and translations between Finnish and English. Searching
for terms belongs in index/, understanding a question in search/."""
