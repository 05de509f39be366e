# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What Wardkeeper relies on of an API server, as tests that run on the fake and on the real one.

Nothing here may be true of one of them only, and nothing here knows which one it talks to.
"""

from __future__ import annotations

from tests.component.apiserver.contract.api import Api, opened
from tests.component.apiserver.contract.applying import Applying
from tests.component.apiserver.contract.ending import Ending
from tests.component.apiserver.contract.following import Following
from tests.component.apiserver.contract.reporting import Reporting
from tests.component.apiserver.contract.serving import Serving
from tests.component.apiserver.contract.writing import Writing

__all__ = ["Api", "Contract", "opened"]


class Contract(Writing, Applying, Following, Ending, Reporting, Serving):
    """Inherit, and give a fixture `api` that yields an `Api` which serves our own kind too."""
