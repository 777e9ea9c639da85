"""From a question to a judged list of items: analysing the question, search, fusion of scores, calibration, snippets.

Who contributed to these items is the subject of people/.
"""
