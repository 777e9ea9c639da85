"""Does the jobs that take long, beside `kollega watch`: each in a process of its own. What each kind does is in
`kinds.py`; what a job is, and how it is queued, is in `recommender/jobs/`."""
