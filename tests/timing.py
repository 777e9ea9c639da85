"""Times that hold on a machine that is busy with other work."""

LONG = 60.0
"""Seconds in which even a busy machine does what usually takes a moment. What should not wait is tested against
something that would take longer than that, or by the processor's time (`time.thread_time`) when it only computes."""
