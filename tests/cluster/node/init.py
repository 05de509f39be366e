# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The first process of a sandbox: takes up orphans that have ended, and waits to be ended.

When it ends, the kernel kills every other process of its process namespace.
"""

from __future__ import annotations

import os
import signal

AWAITED = {signal.SIGCHLD, signal.SIGTERM}


def main() -> None:
    """Reap until somebody says that it is over."""
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    while signal.sigwait(AWAITED) != signal.SIGTERM:
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
