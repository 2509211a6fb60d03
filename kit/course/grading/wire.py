"""Messages over two pipes: a length and as many bytes, with a time by which they must be there."""

import os
import select
import struct
import time

_PIECE = 2**20


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """The other side took too long."""


class Wire:
    """reads, writes: descriptors. most: bytes of a message that is read."""

    def __init__(self, reads, writes, most=2**29):
        self.reads, self.writes, self.most = reads, writes, most

    def send(self, data, until=None):
        """Write a message. until: time.monotonic() by which it must be gone.

        Raises Closed, Late.
        """
        view = memoryview(struct.pack("<Q", len(data)) + data)
        while view:
            self._wait([], [self.writes], until)
            try:
                view = view[os.write(self.writes, view[:_PIECE]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Closed from None

    def receive(self, until=None):
        """bytes of the next message. Raises Closed, Late, and ValueError for one too long."""
        (size,) = struct.unpack("<Q", self._read(8, until))
        if size > self.most:
            raise ValueError("a message is too long")
        return self._read(size, until)

    def _read(self, size, until):
        found = bytearray()
        while len(found) < size:
            self._wait([self.reads], [], until)
            try:
                part = os.read(self.reads, min(_PIECE, size - len(found)))
            except BlockingIOError:
                continue
            except OSError:
                raise Closed from None
            if not part:
                raise Closed
            found += part
        return bytes(found)

    def _wait(self, reads, writes, until):
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:  # a talkative side is late as well
            raise Late
        if not any(select.select(reads, writes, [], left)):
            raise Late
