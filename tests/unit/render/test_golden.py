# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What each workflow of `cases/` becomes, to the letter.

After a wanted change, write the expected files anew and read the difference before committing it:

    WARDKEEPER_UPDATE_GOLDEN=1 pytest tests/unit/render/test_golden.py
"""

from __future__ import annotations

import os

import pytest

from tests.unit.render.golden import Case, all_cases, written


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_a_workflow_becomes_exactly_its_expected_children(case: Case) -> None:
    found = written(case.render())
    if os.environ.get("WARDKEEPER_UPDATE_GOLDEN"):
        case.expected.parent.mkdir(exist_ok=True)
        case.expected.write_text(found)
    assert found == case.expected.read_text()
