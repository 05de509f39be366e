# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One authority follows another while two workflows call each other: trust first, then leaves.

After every step each calls the other for real, with the certificate before and the one after, for
during a roll-out pods with either are there.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.cluster.authorities import Authorities
from tests.cluster.waiting import until
from tests.component.workflows import cron_job
from wardkeeper.proof.errors import NotProven
from wardkeeper.proof.handshake import Party, meet

if TYPE_CHECKING:
    from tests.e2e.stage import Stage
    from tests.e2e.stories import Place

ORDERS, LABS = "orders", "labs"


class Callers:
    """Two workflows with certificates, each the other's client and server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._asked = 0
        source = {"pki": {"ttl": "1h"}}
        rotation = {"every": "1h", "overlap": "0s"}
        for name in (ORDERS, LABS):
            made = [{"name": "tls", "source": source, "rotation": rotation}]
            place.create(cron_job(name, secrets=made))
        for name in (ORDERS, LABS):
            place.until_ready(name)
        self.parties = {name: self._party(name) for name in (ORDERS, LABS)}

    def replaced(self, name: str) -> None:
        """Replace the certificate of one of them; meanwhile old and new can call and be called."""
        before, other = self.parties[name], LABS if name == ORDERS else ORDERS
        self._asked += 1
        request = f"tls@{self._asked}"
        self._place.annotate(name, rotate_now=request)
        until(
            lambda: self._place.status(name).get("lastHandledRotateNow") == request,
            f"{request} of {name} is answered",
        )
        after = self.parties[name] = self._party(name)
        assert after.key != before.key
        for mine in (before, after):
            self._call((other, self.parties[other]), (name, mine))
            self._call((name, mine), (other, self.parties[other]))

    def trusts(self, name: str, authority: str) -> bool:
        """Whether one of them trusts an authority."""
        return authority in [_named(one.subject) for one in _all(self.parties[name].authorities)]

    def signed_by(self, name: str) -> str:
        """The authority that signed the certificate of one of them."""
        return _named(_all(self.parties[name].certificates)[0].issuer)

    def _call(self, caller: tuple[str, Party], called: tuple[str, Party]) -> None:
        meet(caller[1], called[1], f"{called[0]}.{self._place.namespace}.svc")

    def _party(self, name: str) -> Party:
        data = self._place.read("Secret", f"{name}-tls")["data"]
        files = {key: base64.b64decode(value).decode() for key, value in data.items()}
        return Party(files["tls.crt"], files["tls.key"], files["ca.crt"])


def test_at_no_moment_of_a_change_of_authority_does_a_call_fail(stage: Stage, place: Place) -> None:
    authorities = Authorities(stage.cluster.openbao)
    old = authorities.add(f"{place.namespace}-old")
    authorities.use(old)
    callers = Callers(place)
    told = {which: f"{place.namespace}-{which} authority" for which in ("old", "new")}
    assert callers.signed_by(ORDERS) == callers.signed_by(LABS) == told["old"]
    new = authorities.add(f"{place.namespace}-new")
    for name in (ORDERS, LABS):
        callers.replaced(name)
        assert callers.signed_by(name) == told["old"]
        assert callers.trusts(name, told["old"])
        assert callers.trusts(name, told["new"])
    of_old = callers.parties[LABS]
    authorities.use(new)
    for name in (ORDERS, LABS):
        callers.replaced(name)
        assert callers.signed_by(name) == told["new"]
        assert callers.trusts(name, told["old"])
    authorities.remove(old)
    for name in (ORDERS, LABS):
        callers.replaced(name)
        assert not callers.trusts(name, told["old"])
        assert callers.trusts(name, told["new"])
    server_name = f"{ORDERS}.{place.namespace}.svc"
    meet(callers.parties[LABS], callers.parties[ORDERS], server_name)
    with pytest.raises(NotProven, match="unable to get"):
        meet(of_old, callers.parties[ORDERS], server_name)


def test_leaves_before_trust_would_be_noticed_by_the_calls(stage: Stage, place: Place) -> None:
    authorities = Authorities(stage.cluster.openbao)
    authorities.use(authorities.add(f"{place.namespace}-old"))
    callers = Callers(place)
    authorities.use(authorities.add(f"{place.namespace}-new"))  # nobody has been told to trust it
    with pytest.raises(NotProven, match="unable to get"):
        callers.replaced(ORDERS)


def _all(bundle: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(bundle.encode())


def _named(name: x509.Name) -> str:
    """What an authority is called."""
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
