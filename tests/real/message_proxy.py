"""A proxy before a PostgreSQL server that breaks a connection at a chosen message, either way.

It knows how messages are framed, and nothing of what is in them.
"""

import socket
import struct
import threading
import time

# The messages that end what a client, or a server, sends before it waits for the other.
LAST_OF_CLIENT = frozenset(b"SQXp")
LAST_OF_SERVER = frozenset(b"ZR")
COMMITTED = b"C\0\0\0\x0bCOMMIT\0"


class MessageProxy:
    """Listens on `port`. After `cut_at(n)`, the nth message is not passed on and both ends are reset."""

    def __init__(self, target):
        self.target = target
        self.lock = threading.Lock()
        self.let_all_pass()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def cut_at(self, number, silent=False, late=0, flights=False):
        """Has the message of this number lost. With `silent`, the connection just says no more; with
        `late`, the message and what follows it in its direction arrive after so many seconds. With
        `flights`, all that one end sends before it waits for the other counts as one."""
        with self.lock:
            self.seen, self.cut = 0, number
            self.silent, self.late, self.flights = silent, late, flights

    def commit_twice(self):
        """From here on the server's word that it committed is lost, but for each second time."""
        self.let_all_pass()
        with self.lock:
            self.twice = True

    def let_all_pass(self):
        with self.lock:
            self.seen, self.cut = 0, None
            self.silent, self.late, self.flights = False, 0, False
            self.twice, self.commits = False, 0

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
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            silenced = threading.Event()
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pass_on, args=(*ends, silenced), daemon=True).start()

    def pass_on(self, source, sink, from_client, silenced):
        untyped = from_client
        begins = True
        last = LAST_OF_CLIENT if from_client else LAST_OF_SERVER
        try:
            while True:
                message = self.read(source, untyped)
                what, late = self.fate(begins, not from_client and message == COMMITTED)
                begins = untyped or message[0] in last
                untyped = False
                if what == "silent":
                    silenced.set()
                if silenced.is_set():
                    # Neither end learns anything, not even that the other has gone.
                    silenced.ends = source, sink
                    return
                if what == "lost":
                    break
                time.sleep(late)
                sink.sendall(message)
        except EOFError:
            # What is on its way in the other direction still arrives.
            try:
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return
        except OSError:
            pass
        for end in (source, sink):
            try:
                # A reset, as when a machine or a network goes.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def fate(self, begins, commits):
        """What becomes of a message, which `begins` what its end sends now, or says that the server
        `commits`, and how late that is."""
        with self.lock:
            if self.twice and commits:
                self.commits += 1
                return ("lost" if self.commits % 2 == 1 else "passed"), 0
            if begins or not self.flights:
                self.seen += 1
            if self.seen != self.cut:
                return "passed", 0
            self.cut = None
            if self.late:
                return "passed", self.late
            return ("silent" if self.silent else "lost"), 0

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
