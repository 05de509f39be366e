# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The page that tells what was proven says what was seen. Its name puts it after all others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cluster.installation import PROJECT
from tests.node.proof import settle

if TYPE_CHECKING:
    from tests.node.proof import Proof

pytestmark = pytest.mark.cluster("netpol")


def test_the_page_says_what_was_seen(proof: Proof) -> None:
    update = os.environ.get("WARDKEEPER_UPDATE_PROOF") == "1"
    assert not settle(proof, PROJECT / "docs" / "proof.md", update=update)
