# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Things that go wrong between the operator and what it depends on, on demand.

with VaultProxy(cluster.openbao.address) as proxy:
    lost = proxy.on("GET", "database/creds/.*", LoseAnswer())
    ...  # an operator whose Vault is `proxy.address`
    assert lost.happened == 1
    assert proxy.counts()["GET", "database/creds/*"] == 2
"""
