"""A service on loopback that answers whoever brings the right `Authorization`, and nobody else."""

import http.server

from serving import Serving


class LoopbackService(Serving):
    """`pages` has the content by path, or a function of the path; `wanted` is the header's value."""

    def __init__(self, pages, wanted, context=None, realm="Basic"):
        self.pages, self.wanted = pages, wanted
        # What was brought with each request, in their order.
        self.brought = brought = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                authorization = self.headers.get("Authorization")
                brought.append(authorization)
                path = self.path.partition("?")[0]
                page = service.pages.get(path)
                if authorization != service.wanted:
                    status, body = 401, b""
                elif page is None:
                    status, body = 404, b""
                else:
                    status, body = 200, page if isinstance(page, bytes) else page.encode()
                if self.command == "PROPFIND" and status == 200:
                    status = 207
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", f'{realm} realm="made up"')
                self.send_header("Content-Type", service.content_type(path))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PROPFIND = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme, host = "http", "127.0.0.1"
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme, host = "https", "localhost"
        self.authority = f"{host}:{self.server.server_port}"
        self.address = f"{scheme}://{self.authority}"
        self.types = {}

    def content_type(self, path):
        return self.types.get(path, "application/octet-stream")
