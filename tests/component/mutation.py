# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Takes a guard out of the code for the length of one test, by its text.

When the text is not there any more, the mutant fails loudly; it must be thought through anew.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def mutate(patch: pytest.MonkeyPatch, owner: Any, name: str, *changes: tuple[str, str]) -> None:
    """Replace pieces of the source of `owner.name`, a function, wherever it is known."""
    original = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(original))
    for old, new in changes:
        if source.count(old) != 1:
            raise LookupError(f"{name} has {source.count(old)} times: {old}")
        source = source.replace(old, new)
    namespace: dict[str, Any] = {}
    exec(compile(source, f"<mutant of {name}>", "exec"), original.__globals__, namespace)
    mutant = namespace[name]
    patch.setattr(owner, name, mutant)
    for module in [one for key, one in sys.modules.items() if key.startswith("wardkeeper.")]:
        if getattr(module, name, None) is original:
            patch.setattr(module, name, mutant)
