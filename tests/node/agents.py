"""Plays the agents of many nodes, one at each pod's address.

    python3 agents.py ADDRESSES URL PORT

ADDRESSES has a line `ADDRESS NODE KIND` for each: `right` answers with the summary of the agent at URL, under the name of its node, `slow` likewise after 2 s,
`garbage` with half of it, `hangs` not at all. Says so once it listens.
"""

import json
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

addresses, url, port = sys.argv[1:]
agents = {}
for line in open(addresses):
    address, node, kind = line.split()
    agents[address] = (node, kind)
document = json.load(urllib.request.urlopen(url))


class Agent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        node, kind = agents[self.connection.getsockname()[0]]
        if kind == "hangs":
            threading.Event().wait(60)
        if kind == "slow":
            time.sleep(2)
        body = json.dumps({**document, "node": node}).encode()
        if kind == "garbage":
            body = body[: len(body) // 2]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Age", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Agents(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


with Agents(("0.0.0.0", int(port)), Agent) as server:
    print("listening", flush=True)
    server.serve_forever()
