"""Ask a web server with patience, and not for ever: retries, times, and a circuit breaker.

Bytes are handed on as they are sent; what they are worth is for the caller to check.
"""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import httpx
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential_jitter,
)

from kit.errors import KitError

_HOPS = 5  # requests for one file that is moved on and on
_SAID = {  # code -> what went wrong, what to do next
    "unreachable": ("cannot be had", "see whether its address opens elsewhere, then run again"),
    "timeout": ("came too slowly", "run again, or allow more time in Retry"),
    "truncated": ("came in part", "run again; if it stays so, tell who keeps the source"),
    "too-long": ("is longer than its manifest says", "tell who keeps the source"),
    "corrupt": ("is not the file of its manifest", "tell who keeps the source"),
    "circuit-open": ("was not asked for: the server failed too often", "run again later"),
    "unsafe-path": ("has no place in the folder", "mend the path, or what stands in its place"),
    "bad-manifest": ("of the manifest names no file", "mend the manifest"),
}


@dataclass(frozen=True)
class Retry:
    """How often and how long a server is asked; times in seconds.

    attempts: requests for one file. first_wait_s: before the second; it doubles after each, and
    up to first_wait_s is added at random. timeout_s: to connect, and between bytes.
    whole_s: for one file with its retries; the default has room for four stalls of 30 s.
    trip_after: files in a row that failed in spite of their retries, by the server's fault, and
    open the breaker. rest_s: how long it stays open; also the longest Retry-After that is waited
    for.
    """

    attempts: int = 4
    first_wait_s: float = 1.0
    timeout_s: tuple = (5.0, 30.0)
    whole_s: float = 180.0
    trip_after: int = 5
    rest_s: float = 30.0

    def __post_init__(self):
        times = (self.first_wait_s, *self.timeout_s, self.whole_s, self.rest_s)
        fits = all(0 <= t <= threading.TIMEOUT_MAX for t in times) and len(self.timeout_s) == 2
        if not fits or min(self.attempts, self.trip_after) < 1:
            raise KitError(
                "nothing can be asked in this way",
                found=self,
                allowed="counts of 1 or more, times of 0 s or more, timeout_s a pair",
                code="bad-retry",
            )


class Breaker:
    """Keeps requests from a server that is down: closed, open, or half-open for one probe.

    trip_after: failures in a row that open it. rest_s: seconds until a probe is let through.
    clock: function that gives seconds. Tell it the end of every request that it allows.
    """

    def __init__(self, trip_after=5, rest_s=30.0, clock=time.monotonic):
        self._trip_after, self._rest_s, self._clock = trip_after, rest_s, clock
        self.succeeded()

    @property
    def state(self):
        """Str: "closed", "open" or "half-open"."""
        if self._open_until is None:
            return "closed"
        return "half-open" if self._clock() >= self._open_until else "open"

    def allows(self):
        """True if a request may be made now; when half-open, for the first one alone."""
        state = self.state
        if state == "half-open" and not self._probing:
            self._probing = True
            return True
        return state == "closed"

    def failed(self):
        """Count a failed request; a failed probe opens the breaker for another rest."""
        self._failures += 1
        if self._failures >= self._trip_after:  # of a probe too: only success forgets
            self._open_until, self._probing = self._clock() + self._rest_s, False

    def succeeded(self):
        """Close the breaker and forget what failed."""
        self._failures, self._open_until, self._probing = 0, None, False


class Fault(KitError):
    """Why there is no file. again: worth a retry, after `after_s`. down: the server's own fault."""

    def __init__(self, code, path, found=..., allowed="", again=False, down=False, after_s=0.0):
        what, remedy = _SAID[code]
        super().__init__(f"{path} {what}", found=found, allowed=allowed, remedy=remedy, code=code)
        self.again, self.down, self.after_s = again, down, after_s


class Client:
    """One connection to a server, with what is known of the server's health.

    base: address without a slash at the end; KitError "bad-address" if it is none.
    requests: how many were made so far. Use it in a with statement.
    """

    def __init__(self, base, retry):
        connect_s, read_s = retry.timeout_s
        self.base, self.retry, self.requests = _base(base), retry, 0
        self._breaker = Breaker(retry.trip_after, retry.rest_s)
        self._client = httpx.Client(
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(read_s, connect=connect_s),
            limits=httpx.Limits(max_connections=1),  # so that _socket is the one in use
        )
        self._socket, self._late = None, False
        first = retry.first_wait_s
        self._backoff = wait_exponential_jitter(multiplier=first, jitter=first)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()

    def ask(self, path, work):
        """work(response) for the file `path`, with retries; raises the last Fault.

        work may raise a Fault itself; whatever else it raises ends the asking.
        """
        times = stop_after_attempt(self.retry.attempts) | stop_before_delay(self.retry.whole_s)
        retrying = Retrying(
            stop=times, wait=self._wait, retry=retry_if_exception(self._again), reraise=True
        )
        if not self._breaker.allows():
            raise Fault("circuit-open", path)
        try:
            result = retrying(self._once, path, work, time.monotonic() + self.retry.whole_s)
        except Fault as fault:
            (self._breaker.failed if fault.down else self._breaker.succeeded)()
            raise
        self._breaker.succeeded()
        return result

    def _again(self, fault):
        return isinstance(fault, Fault) and fault.after_s <= self.retry.rest_s and fault.again

    def _wait(self, state):
        return max(self._backoff(state), state.outcome.exception().after_s)

    def _once(self, path, work, deadline):
        # a read timeout starts anew with every byte, so a drip needs a clock of its own
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._expire)
        timer.daemon, self._late = True, False
        timer.start()
        try:
            return self._answer(path, work)
        except (httpx.TransportError, Fault) as cause:
            self._hang_up()  # bytes left on the line would be taken for the next answer
            fault = self._judged(path, cause)
            raise fault from (None if fault is cause else cause)
        finally:
            timer.cancel()

    def _answer(self, path, work):
        with contextlib.closing(self._opened(path)) as response:
            try:
                return work(response)
            except httpx.RemoteProtocolError as cause:
                raise Fault("truncated", path, str(cause), again=True, down=True) from cause

    def _opened(self, path):
        """Response with a status of 2xx, its body not yet read."""
        request = self._client.build_request(
            "GET", f"{self.base}/{quote(path)}", extensions={"trace": self._note}
        )
        for _ in range(_HOPS):
            self.requests += 1
            response = self._client.send(request, stream=True)
            if response.is_success:
                return response
            response.close()
            if response.next_request is None:
                raise _status_fault(path, response)
            here, request = request.url, response.next_request
            if not _may_follow(here, request.url):
                raise Fault(
                    "unreachable",
                    path,
                    f"moved to {shown(request.url)}",
                    "a move on the same host, not from https to http",
                )
        raise Fault("unreachable", path, f"moved {_HOPS} times")

    def _judged(self, path, cause):
        """The Fault that an exception stands for."""
        connect_s, read_s = self.retry.timeout_s
        if self._late:
            found = f"not whole after {self.retry.whole_s:g} s"
        elif isinstance(cause, Fault):
            return cause
        elif isinstance(cause, httpx.ConnectTimeout):
            found = f"no connection within {connect_s:g} s"
        elif isinstance(cause, httpx.TimeoutException):
            found = f"no byte for {read_s:g} s"
        else:
            found = str(cause) or type(cause).__name__
            return Fault("unreachable", path, found, again=True, down=True)
        return Fault("timeout", path, found, again=True, down=True)

    def _note(self, event, info):
        """Keep the socket of a new connection; the response has it only after its headers."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._late:
                self._hang_up()

    def _expire(self):
        self._late = True
        self._hang_up()

    def _hang_up(self):
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # not SSLSocket.shutdown: a read in another thread would end in a ValueError
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def chunks(path, response, most):
    """Bytes of a body as they are sent, never decoded; Fault "too-long" after `most`."""
    stated, size = int(response.headers.get("Content-Length", 0)), 0
    if stated > most:
        raise Fault("too-long", path, f"{stated} bytes stated", f"{most} bytes")
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > most:
            raise Fault("too-long", path, f"{size} bytes so far", f"{most} bytes")
        yield chunk


def shown(address):
    """Str: the address without a password."""
    return str(httpx.URL(address).copy_with(userinfo=b""))


def _base(url):
    try:
        address = httpx.URL(str(url))
    except httpx.InvalidURL:
        address = httpx.URL("")
    plain = not {"?", "#"} & set(str(url))
    if address.scheme in ("http", "https") and address.host and plain:
        return str(url).rstrip("/")
    raise KitError(
        "this is no address of a remote folder",
        found=str(url),
        allowed="http://host/folder or https://host/folder, without ? and #",
        code="bad-address",
    )


def _may_follow(here, there):
    upward = (here.scheme, there.scheme) == ("http", "https")
    same = (here.scheme, here.port) == (there.scheme, there.port)
    return here.host == there.host and (upward or same)


def _status_fault(path, response):
    passing = response.status_code >= 500 or response.status_code in (408, 429)
    found = f"{response.status_code} {response.reason_phrase}".strip()
    after_s = _seconds(response.headers.get("Retry-After", "")) if passing else 0.0
    return Fault("unreachable", path, found, "200 OK", passing, passing, after_s)


def _seconds(after):
    """Seconds that a Retry-After asks for, a number or a date; 0 if it cannot be read."""
    with contextlib.suppress(ValueError, OverflowError):
        return float(int(after))
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds()
    return 0.0
