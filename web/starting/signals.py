"""What signals do to a server."""

import signal
from collections.abc import Callable

Act = Callable[[], None]


def stop_at_signals(stop: Act, stopping: Act) -> None:
    """Call both when this process is interrupted or terminated. A second signal ends it at once."""

    def handle(_signal: int, _frame: object) -> None:
        stopping()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
