"""A proxy before a PostgreSQL server that breaks a connection at a chosen message, either way.

It knows how messages are framed, and nothing of what is in them.
"""

import socket
import struct
import threading


class MessageProxy:
    """Listens on `port`. After `cut_at(n)`, the nth message is not passed on and both ends are reset."""

    def __init__(self, target):
        self.target = target
        self.lock = threading.Lock()
        self.seen, self.cut = 0, None
        self.silent = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def cut_at(self, number, silent=False):
        """Has the message of this number lost; with `silent`, the connection just says no more."""
        with self.lock:
            self.seen, self.cut, self.silent = 0, number, silent

    def let_all_pass(self):
        with self.lock:
            self.seen, self.cut = 0, None

    def was_cut(self):
        with self.lock:
            return self.cut is None

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, sink, from_client):
        untyped = from_client
        try:
            while True:
                message = self.read(source, untyped)
                untyped = False
                if self.is_lost():
                    if self.silent:
                        return
                    break
                sink.sendall(message)
        except (OSError, EOFError):
            pass
        for end in (source, sink):
            try:
                # A reset, as when a machine or a network goes.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def is_lost(self):
        with self.lock:
            self.seen += 1
            if self.seen == self.cut:
                self.cut = None
                return True
            return False

    @classmethod
    def read(cls, source, untyped):
        head = cls.exactly(source, 4 if untyped else 5)
        length = struct.unpack("!I", head[-4:])[0]
        return head + cls.exactly(source, length - 4)

    @staticmethod
    def exactly(source, count):
        found = b""
        while len(found) < count:
            more = source.recv(count - len(found))
            if not more:
                raise EOFError
            found += more
        return found
