"""Runs one program and takes its whole process group down if hwflow disappears.

Started by `hwflow.tools.process` as a plain script, not imported: it must start fast and needs
nothing but the standard library. The first argument is a file descriptor whose other end only
hwflow holds; end of file there means that hwflow died, even by SIGKILL, and nobody is left to
read the result. The remaining arguments are the program and its arguments.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

__all__ = ["main"]

CANNOT_START = 127


def main(argv: list[str]) -> int:
    """Run argv[2:]; returns its exit code, or 128 + n when signal n ended it."""
    lifeline = int(argv[1])
    threading.Thread(target=_kill_group_at_end_of_file, args=(lifeline,), daemon=True).start()
    try:
        child = subprocess.Popen(argv[2:], shell=False)
    except OSError as error:
        sys.stderr.write(f"cannot start {argv[2]}: {error.strerror}\n")
        return CANNOT_START
    # The group's TERM reaches the program too; this process stays to report how it ended.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = child.wait()
    return 128 - code if code < 0 else code


def _kill_group_at_end_of_file(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.stdout.flush()
    # os._exit: the watching thread blocks in a read and must not be waited for.
    status = main(sys.argv)
    sys.stderr.flush()
    os._exit(status)
