#!/usr/bin/env python3
"""A cloud whose realtime answers become 30 times as large when they are indented.

    grown.py CLOUD

Answers as CLOUD does, but a realtime answer has an additional member, which makes it almost as large as
libcemm accepts. Prints its own URL.
"""
import http.server
import sys
import urllib.error
import urllib.request

CLOUD = sys.argv[1]
DEPTH = 28  # levels; libcemm accepts 32
SIZE = 250 * 1024  # bytes; libcemm accepts 256 KiB


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        try:
            with urllib.request.urlopen(CLOUD.rstrip("/") + self.path) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        if status == 200 and "/realtime/" in self.path:
            zeros = b"0," * ((SIZE - len(body)) // 2) + b"0"
            body = body.rstrip()[:-1] + b',"more":' + b"[" * DEPTH + zeros + b"]" * DEPTH + b"}"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
