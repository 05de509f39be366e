# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every sample there is; what one judge says about one of them, every judge must say."""

from __future__ import annotations

from tests.unit.api.samples.accepted import ACCEPTED
from tests.unit.api.samples.access import ACCESS
from tests.unit.api.samples.container import CONTAINER
from tests.unit.api.samples.form import FORM
from tests.unit.api.samples.network import NETWORK
from tests.unit.api.samples.secrets import SECRETS
from tests.unit.api.samples.workload import WORKLOAD

REFUSED = (*FORM, *WORKLOAD, *CONTAINER, *ACCESS, *NETWORK, *SECRETS)

__all__ = ["ACCEPTED", "REFUSED"]
