"""A server in a thread, for as long as a `with` block lasts."""

import threading


class Serving:
    """Whoever is one has the server from `http.server` in `self.server`."""

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
