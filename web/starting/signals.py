"""What signals do to a server."""

import signal
from collections.abc import Callable

Act = Callable[[], None]


def stop_at_signals(stop: Act, stopping: Act, at_once: bool = True) -> None:
    """Call both when this process is interrupted or terminated. A second signal ends it `at_once`, or does nothing: who
    stops a server stops its other processes too, and so does the server, so that these get two."""

    def handle(_signal: int, _frame: object) -> None:
        stopping()
        signal.signal(signal.SIGTERM, signal.SIG_DFL if at_once else signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.default_int_handler if at_once else signal.SIG_IGN)
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
