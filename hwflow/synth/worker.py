"""The process that runs Yosys: `python worker.py SCRIPT`, in the script's folder.

It imports nothing of hwflow and is started by path, so that it needs Yosys only.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Runs the Yosys script named by the only argument; Yosys itself ends us on errors."""
    # Imported here: this takes a second and only this process may pay for it.
    from pyosys import libyosys

    (script,) = arguments
    libyosys.Design().run_pass(f"script {script}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
