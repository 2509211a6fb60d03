"""Loopback TCP: what a network costs when the wire is free."""

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
                received += client.recv_into(buffer)
            rates.append(received / 1e9 / (time.perf_counter() - start))
    return Measurement.of("loopback TCP, one stream", rates, "GB/s")


def loopback_latency(round_trips=2000):
    """Time for one byte to go to a socket of this machine and back, as a Measurement in us."""
    times = []
    with _connection(_echo) as client:
        for _ in range(round_trips):
            start = time.perf_counter()
            client.sendall(b"x")
            client.recv(1)
            times.append(time.perf_counter() - start)
    warm = round_trips // 10
    return Measurement.of("loopback TCP, round trip", 1e6 * np.array(times[warm:]), "us")


@contextmanager
def _connection(serve):
    """A client socket whose other end is handed to `serve` in a thread."""
    try:
        server = socket.create_server(("127.0.0.1", 0))
    except OSError as cause:
        raise KitError(
            "no loopback network",
            found=str(cause),
            allowed="a working interface 127.0.0.1",
            remedy="bring the loopback interface up, or go on without the network probes",
            code="no-network",
        ) from cause
    with server:
        thread = threading.Thread(target=_accept, args=(server, serve), daemon=True)
        thread.start()
        with socket.create_connection(server.getsockname(), timeout=10) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield client
    thread.join(timeout=2)


def _accept(server, serve):
    peer, _ = server.accept()
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            serve(peer)
        except OSError:
            return  # the client has what it wanted and hung up


def _send_until_closed(peer, payload):
    while True:
        peer.sendall(payload)


def _echo(peer):
    while data := peer.recv(1):
        peer.sendall(data)
