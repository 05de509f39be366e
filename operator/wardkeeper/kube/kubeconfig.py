# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a kubeconfig into an `Access`: certificates, tokens and token files without help.

Users that need a plug-in (`exec`, `auth-provider`) go through the `kubernetes` package, loaded
only then. What would weaken the connection, or what would silently be ignored, is refused.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import os
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from wardkeeper.kube.credentials import Access, AccessError, TokenFile

if TYPE_CHECKING:
    from collections.abc import Callable

_PLUGINS = ("exec", "auth-provider")
_REFUSED_OF_CLUSTER = {
    "insecure-skip-tls-verify": "name the server's certificate authority instead",
    "proxy-url": "proxies are not supported",
    "tls-server-name": "use a server address that its certificate names",
}
_REFUSED_OF_USER = {
    "as": "impersonation is not supported",
    "username": "basic authentication is not supported by Kubernetes any more",
}


def from_kubeconfig(path: str | Path | None = None, context: str | None = None) -> Access:
    """The way a person goes.

    Args:
        path: the file; else `$KUBECONFIG` (its first file that exists), else `~/.kube/config`.
        context: a name in it; else its current context.

    Raises:
        AccessError: the file, the context or something in them cannot be used.
    """
    file = _find(path)
    config = _read(file)
    chosen = context or config.get("current-context") or ""
    if not chosen:
        raise AccessError(f"{file} has no current-context; name a context")
    entry = _named(config, "contexts", "context", chosen, file)
    cluster = _named(config, "clusters", "cluster", str(entry.get("cluster", "")), file)
    user = _named(config, "users", "user", str(entry.get("user", "")), file)
    _refuse(cluster, _REFUSED_OF_CLUSTER, f"cluster of context {chosen!r} in {file}")
    _refuse(user, _REFUSED_OF_USER, f"user of context {chosen!r} in {file}")
    server = str(cluster.get("server", "")).rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise AccessError(f"cluster of context {chosen!r} in {file} has no http(s) server address")
    if any(user.get(plugin) for plugin in _PLUGINS):
        return _through_plugin(file, chosen, server)
    tls = None
    if server.startswith("https://"):
        tls = ssl.create_default_context(cadata=_authority(cluster, file))
        _present_certificate(tls, user, file)
    return Access(server, tls, _token(user, file))


def namespace_of(path: str | Path | None = None, context: str | None = None) -> str:
    """The namespace that a context names; `default` when it names none.

    Raises:
        AccessError: the file or the context cannot be used.
    """
    file = _find(path)
    config = _read(file)
    chosen = context or str(config.get("current-context") or "")
    return str(_named(config, "contexts", "context", chosen, file).get("namespace") or "default")


def _find(path: str | Path | None) -> Path:
    if path is not None:
        return Path(path)
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    for file in listed:
        if file.exists():
            return file
    return listed[0] if listed else Path.home() / ".kube" / "config"


def _read(file: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AccessError(f"kubeconfig {file} cannot be read: {type(error).__name__}") from None
    if not isinstance(config, dict):
        raise AccessError(f"{file} is no kubeconfig")
    return config


def _named(
    config: dict[str, Any], section: str, item: str, name: str, file: Path
) -> dict[str, Any]:
    for entry in config.get(section) or ():
        if isinstance(entry, dict) and entry.get("name") == name:
            found = entry.get(item) or {}
            if isinstance(found, dict):
                return found
    raise AccessError(f"{file} has no {item} named {name!r}")


def _refuse(entry: dict[str, Any], refused: dict[str, str], where: str) -> None:
    for field, remedy in refused.items():
        if entry.get(field):
            raise AccessError(f"{where} sets {field}: {remedy}")


def _authority(cluster: dict[str, Any], file: Path) -> str | None:
    """PEM of the cluster's own authority; None trusts what the machine trusts."""
    pem = _data(cluster, "certificate-authority", file)
    return pem.decode("ascii") if pem else None


def _present_certificate(tls: ssl.SSLContext, user: dict[str, Any], file: Path) -> None:
    certificate = _data(user, "client-certificate", file)
    key = _data(user, "client-key", file)
    if not certificate and not key:
        return
    if not certificate or not key:
        raise AccessError(f"{file}: client-certificate and client-key belong together")
    # The standard library loads a key from a file alone; this folder is open to us only.
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "client.pem"
        pem.write_bytes(certificate + b"\n" + key)
        try:
            tls.load_cert_chain(pem)
        except ssl.SSLError as error:
            raise AccessError(f"{file}: client certificate: {error.reason}") from None


def _token(user: dict[str, Any], file: Path) -> Callable[[], str | None]:
    if user.get("tokenFile"):
        return TokenFile(file.parent / str(user["tokenFile"]))
    token = str(user["token"]) if user.get("token") else None
    return lambda: token


def _data(entry: dict[str, Any], field: str, file: Path) -> bytes:
    """Content of `<field>-data`, or else of the file that `<field>` names; empty without both."""
    try:
        if entry.get(f"{field}-data"):
            return base64.b64decode(str(entry[f"{field}-data"]), validate=True)
        if entry.get(field):
            return (file.parent / str(entry[field])).read_bytes()
    except (OSError, binascii.Error) as error:
        raise AccessError(f"{file}: {field} cannot be read: {type(error).__name__}") from None
    return b""


def _through_plugin(file: Path, context: str, server: str) -> Access:
    try:
        loader = importlib.import_module("kubernetes.config")
    except ImportError:
        raise AccessError(
            f"context {context!r} in {file} logs in through a plug-in; "
            "install it with: pip install 'wardkeeper[kubeconfig]'"
        ) from None
    try:
        settings = loader.new_client_from_config(str(file), context).configuration
    except loader.ConfigException as error:
        raise AccessError(f"context {context!r} in {file}: {type(error).__name__}") from None
    tls = None
    if server.startswith("https://"):
        tls = ssl.create_default_context(cafile=settings.ssl_ca_cert)
        if settings.cert_file:
            tls.load_cert_chain(settings.cert_file, settings.key_file)

    def token() -> str | None:
        # This call also runs the plug-in again once its token has expired.
        header = settings.get_api_key_with_prefix("BearerToken") or ""
        return str(header).removeprefix("Bearer ") or None

    return Access(server, tls, token)
