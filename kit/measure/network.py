"""Loopback TCP: what a network costs when the wire is free."""

import contextlib
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np

from kit.errors import KitError
from kit.measure.record import Measurement
from kit.measure.timing import PROBE_SECONDS

_CHUNK = 2**20


def loopback_throughput(seconds=PROBE_SECONDS / 2):
    """Rate of one TCP connection to this machine itself, as a Measurement in GB/s."""
    payload, buffer = bytes(_CHUNK), bytearray(_CHUNK)
    rates = []
    with _connection(lambda peer: _send_until_closed(peer, payload)) as client:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or not rates:
            start, received = time.perf_counter(), 0
            while received < 64 * _CHUNK:
                received += _receive(client, buffer)
            rates.append(received / 1e9 / (time.perf_counter() - start))
    return Measurement.of("loopback TCP, one stream", rates, "GB/s")


def loopback_latency(round_trips=2000):
    """Time for one byte to go to a socket of this machine and back, as a Measurement in µs."""
    times, reply = [], bytearray(1)
    with _connection(_echo) as client:
        for _ in range(round_trips):
            start = time.perf_counter()
            client.sendall(b"x")
            _receive(client, reply)
            times.append(time.perf_counter() - start)
    warm = round_trips // 10
    return Measurement.of("loopback TCP, round trip", 1e6 * np.array(times[warm:]), "µs")


def check_loopback():
    """Raise the KitError that says what to do if this machine cannot talk to itself."""
    with _connection(_echo):
        return


@contextmanager
def _connection(serve):
    """A client socket whose other end is handed to `serve` in a thread."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=_accept, args=(server, serve), daemon=True)
            thread.start()
            with socket.create_connection(server.getsockname(), timeout=10) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield client
            thread.join(timeout=2)
    except OSError as cause:
        raise KitError(
            "no loopback network",
            found=str(cause),
            allowed="a working interface 127.0.0.1",
            remedy="bring the loopback interface up, or go on without the network probes",
            code="no-network",
        ) from cause


def _receive(client, buffer):
    """Read at least a byte into `buffer`; a connection that ended is an error, not a zero."""
    size = client.recv_into(buffer)
    if not size:
        raise ConnectionError("the connection ended early")
    return size


def _accept(server, serve):
    with contextlib.suppress(OSError):  # the client has what it wanted and hung up
        peer, _ = server.accept()
        with peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(peer)


def _send_until_closed(peer, payload):
    while True:
        peer.sendall(payload)


def _echo(peer):
    while data := peer.recv(1):
        peer.sendall(data)
