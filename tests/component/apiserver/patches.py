# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""JSON patch (RFC 6902) and merge patch (RFC 7386) of an object."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import jsonpatch
import jsonpointer

from tests.component.apiserver.refusal import Refusal

if TYPE_CHECKING:
    from tests.component.apiserver.call import ApiCall


def patched(obj: dict[str, Any], call: ApiCall) -> dict[str, Any]:
    """The object as the patch in the call makes it; the given one stays as it is.

    Raises:
        Refusal: 422 when an operation cannot be done or a test fails.
    """
    if isinstance(call.body, list):
        try:
            result: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(obj), call.body)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
            raise Refusal(
                422, f"the patch cannot be applied: {type(error).__name__}", reason="Invalid"
            ) from None
        return result
    merged = merge(obj, call.body)
    if not isinstance(merged, dict):
        raise Refusal(400, "a merge patch is an object")
    return merged


def merge(obj: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects go deep, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(obj) if isinstance(obj, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result
