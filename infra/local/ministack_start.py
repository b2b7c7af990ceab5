"""Starts MiniStack with the two waits taken out that cost 90 ms of each warm function call.

The stock server answers the runtime API in two TCP segments without TCP_NODELAY (a delayed-ACK wait of 40 ms)
and waits up to 50 ms for a log line of functions that log nothing. Both are internals: when they have moved,
the stock server starts instead, with a warning, and everything works but slower.
"""

import gc
import inspect
import os
import signal
import socketserver
import sys
import threading

# Loopback only, and none of the listeners with fixed ports: two stacks may run side by side.
DEFAULTS = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
FIRST_LINE_WAIT_S = 0.003
IDLE_CONFIRM_S = 0.002
HARD_CAP_S = 0.250


def without_nagle():
    """Lets the runtime API's answers leave in one segment."""
    if not hasattr(socketserver.StreamRequestHandler, "disable_nagle_algorithm"):
        raise AttributeError("socketserver.StreamRequestHandler.disable_nagle_algorithm")
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def with_short_log_wait():
    """Shortens the wait for log lines after a call; lines that come later belong to the next drain."""
    from ministack.core import lambda_runtime

    drain = lambda_runtime.ProvidedWorker._drain_stderr_bounded
    expected = ["self", "first_line_wait", "idle_confirm", "hard_cap"]
    found = list(inspect.signature(drain).parameters)
    if found != expected:
        raise AttributeError(f"_drain_stderr_bounded{tuple(found)}, expected {tuple(expected)}")

    def short(self, first_line_wait=None, idle_confirm=IDLE_CONFIRM_S, hard_cap=HARD_CAP_S):
        wait = FIRST_LINE_WAIT_S if first_line_wait is None else first_line_wait
        return drain(self, wait, idle_confirm, hard_cap)

    lambda_runtime.Worker._drain_stderr_bounded = short


def leave_terminal():
    """Becomes a session of its own, so that closing the terminal or Ctrl-C there does not stop the server."""
    try:
        os.setsid()
    except PermissionError:
        pass  # already the leader of a process group


def stop_with_parent():
    """Ends the server and its functions when standard input closes before it said `stay`."""

    def wait():
        if os.read(0, 1024) != b"stay":
            os.killpg(os.getpgrp(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def main():
    """Applies what can be applied, then hands over to MiniStack."""
    leave_terminal()
    if os.environ.pop("CEIBA_STOP_WITH_PARENT", ""):
        stop_with_parent()
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    for patch in (without_nagle, with_short_log_wait):
        try:
            patch()
        except (ImportError, AttributeError) as moved:
            print(f"warning: {patch.__name__} left out, MiniStack has changed: {moved}", file=sys.stderr, flush=True)
    # The whole state lives in memory as many small objects; full collections over it would eat the server.
    gc.set_threshold(200_000, 50, 1_000)

    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
