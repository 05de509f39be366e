# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""An API server inside the test process; what the operator can tell apart, it does for real.

Its honesty is checked by `contract`, which runs against this and against kube-apiserver. It
knows nothing of RBAC, admission, defaulting or validation; those are tested on the real one.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.component.apiserver.contract")
