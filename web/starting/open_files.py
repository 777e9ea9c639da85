"""How many connections may be open at once."""

import resource

MOST_CONNECTIONS = 2_000  # at once, if the system allows that many open files; a judgement
_OTHER_FILES = 200  # open files that are no connections: database, index, logs


def most_connections() -> int:
    """How many connections may be open at once, after raising the number of open files as far as this process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    allowed = wanted if soft == resource.RLIM_INFINITY else soft
    return max(100, min(MOST_CONNECTIONS, allowed - _OTHER_FILES))
