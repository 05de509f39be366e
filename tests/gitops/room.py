# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A Lua interpreter with what Argo CD gives to a script, and nothing besides.

Argo CD opens the basic functions, `package`, `table`, and of `os` only `date` and `time`. A script
that uses more works in its author's shell and fails in Argo CD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lupa.lua51 import LuaRuntime, lua_type

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLOSE = """
local date, time = os.date, os.time
debug.setmetatable("", nil)
for _, name in ipairs({"string", "math", "io", "debug", "coroutine", "python"}) do
  _G[name], package.loaded[name] = nil, nil
end
os = {date = date, time = time}
package.loaded.os = os
"""


def run(script: str, obj: Mapping[str, Any], parameters: Mapping[str, str] | None = None) -> Any:
    """What a script returns for an object, as JSON.

    Args:
        script: source of `health.lua`, `discovery.lua` or `action.lua`.
        obj: the object, for the global of that name.
        parameters: of an action; None is an Argo CD that does not know of parameters.

    Raises:
        LuaError: the script failed, or used what Argo CD does not open.
    """
    runtime = LuaRuntime(register_eval=False, register_builtins=False)
    make = runtime.table_from
    runtime.execute(_CLOSE)
    runtime.globals().obj = make(obj, recursive=True)
    if parameters is not None:
        runtime.globals().actionParams = make(parameters)
    return _json(runtime.execute(script))


def _json(value: Any) -> Any:
    """A Lua value as JSON; a table that is empty or counts from one is a list, as in Argo CD."""
    if lua_type(value) != "table":
        return value
    keys = list(value)
    if keys == list(range(1, len(keys) + 1)):
        return [_json(value[key]) for key in keys]
    return {key: _json(value[key]) for key in keys}


def act(
    script: str, obj: Mapping[str, Any], parameters: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The object as an action changes it; Lua's empty tables are again what they were, as there.

    Raises:
        LuaError: the action refuses.
    """
    changed: dict[str, Any] = _as_it_was(run(script, obj, parameters), obj)
    return changed


def _as_it_was(new: Any, old: Any) -> Any:
    if isinstance(old, dict) and new == []:
        return old
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: _as_it_was(value, old.get(key)) for key, value in new.items()}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [_as_it_was(*pair) for pair in zip(new, old, strict=True)]
    return new
