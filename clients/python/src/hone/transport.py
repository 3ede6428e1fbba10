"""Single HTTP requests, over connections that stay open."""

from __future__ import annotations

import base64
import email.message
import http.client
import os
import threading
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

REQUEST_SECONDS = 35  # the API's own time-out is 30


class Reply(NamedTuple):
    """Any reply, whatever its status."""

    status: int
    headers: email.message.Message
    body: bytes


class Transport:
    """One open connection for each thread to the host of a URL, through the environment's proxy if it names one."""

    def __init__(self, url: str) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._proxy = _proxy_for(self._url)
        self._mine = threading.local()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Raises OSError or HTTPException without a reply. Follows no redirect: the token is for this host only."""
        connection = self._kept() or self._connect()
        self._mine.connection = None
        try:
            connection.request(method, self._target(path), body, {**self._proxy_headers(), **headers})
            response = connection.getresponse()
            reply = Reply(response.status, response.headers, response.read())
        except BaseException:  # also Ctrl-C: what comes next on this connection would be the reply to this request
            connection.close()
            raise
        self._mine.connection, self._mine.process = connection, os.getpid()
        return reply

    def _kept(self) -> http.client.HTTPConnection | None:
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        # After a fork the connection belongs to the parent.
        return connection if connection is not None and self._mine.process == os.getpid() else None

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        if self._proxy is None:
            return kind(self._url.hostname or "", self._url.port, timeout=REQUEST_SECONDS)
        connection = kind(self._proxy.hostname or "", self._proxy.port, timeout=REQUEST_SECONDS)
        if self._url.scheme == "https":
            connection.set_tunnel(self._url.hostname or "", self._url.port, headers=_authorization(self._proxy))
        return connection

    def _target(self, path: str) -> str:
        full = self._url.path + path
        return full if self._proxy is None or self._url.scheme == "https" else f"http://{self._url.netloc}{full}"

    def _proxy_headers(self) -> dict[str, str]:
        return {} if self._proxy is None or self._url.scheme == "https" else _authorization(self._proxy)


def _proxy_for(url: urllib.parse.SplitResult) -> urllib.parse.SplitResult | None:
    """The environment's proxy, except for this machine's loopback interface, which no proxy reaches."""
    host = url.hostname or ""
    if host in ("localhost", "::1") or host.startswith("127.") or urllib.request.proxy_bypass(host):
        return None
    proxy = urllib.request.getproxies().get(url.scheme)
    return urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else None


def _authorization(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
