# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to the API server: what is accepted, what is refused and with which words."""

from __future__ import annotations

import base64
import datetime
import os
import ssl
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wardkeeper.kube.access import AccessError, TokenFile, from_kubeconfig, from_service_account

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), secret


def written(
    folder: Path, user: dict[str, Any], cluster: dict[str, Any] | None = None, **top: Any
) -> Path:
    """A kubeconfig with one context."""
    config = {
        "current-context": "main",
        "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api:6443"} | (cluster or {})}],
        "users": [{"name": "u", "user": user}],
    } | top
    file = folder / "config"
    file.write_text(yaml.safe_dump(config))
    return file


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def test_a_plain_token_is_used(tmp_path: Path) -> None:
    access = from_kubeconfig(written(tmp_path, {"token": "abc"}))
    assert (access.server, access.token()) == ("https://api:6443", "abc")


def test_a_token_file_is_read_again_when_it_is_replaced(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    access = from_kubeconfig(written(tmp_path, {"tokenFile": "token"}))
    assert access.token() == "one"
    fresh = tmp_path / "fresh"
    fresh.write_text("two")
    fresh.replace(token)
    assert access.token() == "two"


def test_a_token_file_is_read_again_when_it_is_rewritten_in_place(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    os.utime(file, (1, 1))
    token = TokenFile(file)
    assert token() == "one"
    file.write_text("two")
    assert token() == "two"


def test_a_token_file_is_not_read_again_while_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    token = TokenFile(file)
    assert token() == "one"
    monkeypatch.setattr(type(file), "read_text", None)
    assert token() == "one"


def test_a_missing_token_file_is_named_and_nothing_else_is(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="gone: FileNotFoundError"):
        TokenFile(tmp_path / "gone")()


@pytest.mark.parametrize("inline", [True, False])
def test_certificates_are_taken_inline_and_from_files(
    tmp_path: Path, pair: tuple[bytes, bytes], inline: bool
) -> None:
    certificate, key = pair
    (tmp_path / "cert.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(key)
    if inline:
        user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
        cluster = {"certificate-authority-data": encoded(certificate)}
    else:
        user = {"client-certificate": "cert.pem", "client-key": "key.pem"}
        cluster = {"certificate-authority": "cert.pem"}
    access = from_kubeconfig(written(tmp_path, user, cluster))
    assert access.ssl is not None
    assert access.ssl.verify_mode is ssl.CERT_REQUIRED
    assert access.ssl.check_hostname
    assert [found["serialNumber"] for found in access.ssl.get_ca_certs()] == ["01"]
    assert access.token() is None


def test_an_own_authority_is_the_only_one_trusted(
    tmp_path: Path, pair: tuple[bytes, bytes]
) -> None:
    cluster = {"certificate-authority-data": encoded(pair[0])}
    access = from_kubeconfig(written(tmp_path, {}, cluster))
    assert access.ssl is not None
    assert len(access.ssl.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("user", "cluster", "words"),
    [
        ({}, {"insecure-skip-tls-verify": True}, "sets insecure-skip-tls-verify: name the server"),
        ({}, {"proxy-url": "http://p"}, "sets proxy-url"),
        ({}, {"tls-server-name": "x"}, "sets tls-server-name"),
        ({"as": "root"}, {}, "impersonation"),
        ({"username": "a", "password": "b"}, {}, "basic authentication"),
        ({"client-certificate-data": "QQ=="}, {}, "belong together"),
        ({"client-certificate-data": "*"}, {}, "client-certificate cannot be read"),
        ({"client-certificate": "no", "client-key": "no"}, {}, "FileNotFoundError"),
        ({}, {"server": "api:6443"}, "no http"),
        ({"client-certificate-data": "QQ==", "client-key-data": "QQ=="}, {}, "client certificate"),
    ],
)
def test_what_would_weaken_or_be_ignored_is_refused_by_name(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], words: str
) -> None:
    with pytest.raises(AccessError, match=words):
        from_kubeconfig(written(tmp_path, user, cluster))


@pytest.mark.parametrize(
    ("top", "context", "words"),
    [
        ({"current-context": ""}, None, "no current-context"),
        ({}, "other", "no context named 'other'"),
        ({"clusters": []}, None, "no cluster named 'c'"),
        ({"users": [None]}, None, "no user named 'u'"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, top: dict[str, Any], context: str | None, words: str
) -> None:
    with pytest.raises(AccessError, match=words):
        from_kubeconfig(written(tmp_path, {}, **top), context)


@pytest.mark.parametrize("text", ["- a list", "{", ""])
def test_a_file_that_is_no_kubeconfig_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(AccessError, match="config"):
        from_kubeconfig(file)


def test_the_first_existing_file_of_the_environment_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, {"token": "abc"})
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "none"), str(file)]))
    assert from_kubeconfig().token() == "abc"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(AccessError, match="none"):
        from_kubeconfig()


PLUGIN = """
import json, sys
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {"token": "from-a-plugin"}}))
"""


def test_a_login_plug_in_gives_its_token(tmp_path: Path, pair: tuple[bytes, bytes]) -> None:
    script = tmp_path / "plugin.py"
    script.write_text(PLUGIN)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(script)],
        "interactiveMode": "Never",
    }
    cluster = {"certificate-authority-data": encoded(pair[0])}
    access = from_kubeconfig(written(tmp_path, {"exec": plugin}, cluster))
    assert access.token() == "from-a-plugin"
    assert access.ssl is not None
    assert access.ssl.verify_mode is ssl.CERT_REQUIRED


def test_a_plug_in_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.config", None)
    with pytest.raises(AccessError, match=r"wardkeeper\[kubeconfig\]"):
        from_kubeconfig(written(tmp_path, {"exec": {"command": "x"}}))


def test_kubeconfigs_without_plug_in_do_not_load_the_kubernetes_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.config", None)
    assert from_kubeconfig(written(tmp_path, {"token": "abc"})).token() == "abc"


@pytest.mark.parametrize(
    ("host", "server"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_a_pod_goes_as_its_service_account(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pair: tuple[bytes, bytes],
    host: str,
    server: str,
) -> None:
    (tmp_path / "ca.crt").write_bytes(pair[0])
    (tmp_path / "token").write_text("mounted")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = from_service_account(tmp_path)
    assert (access.server, access.token()) == (server, "mounted")
    assert access.ssl is not None
    assert access.ssl.check_hostname


def test_outside_a_pod_a_kubeconfig_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(AccessError, match="name a kubeconfig"):
        from_service_account(tmp_path)
