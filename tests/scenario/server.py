# SPDX-License-Identifier: Apache-2.0
"""A real `concordance run` for black-box tests, and clients for it. Standard library only.

Each Server listens on a free loopback port, keeps its data in a directory of its own and is ended
by its process id. Tests see what a user sees: HTTP, the command line, exit codes, files."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

BINARY = os.environ.get("CONCORDANCE_BINARY", os.path.abspath("build/concordance"))
BANK = os.environ.get("BANK_DIR", os.path.abspath("examples/bank"))
MANIFEST = os.path.join(BANK, "concordance.yaml")

# Slow builds (sanitizers) start more slowly.
START_SECONDS = 60


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"Answer({self.status}, {self.body[:500]!r})"


class Client:
    """One keep-alive connection."""

    def __init__(self, port, timeout=30):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        if body is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def post(self, path, body, headers=None):
        return self.request("POST", path, body, headers)

    def command(self, key, type, data, aggregate="bankaccount", **members):
        path = f"/v1/aggregates/{aggregate}/{urllib.parse.quote(key, safe='')}/commands"
        return self.post(path, {"type": type, "data": data, **members})

    def state(self, key, aggregate="bankaccount", query=""):
        return self.get(f"/v1/aggregates/{aggregate}/{urllib.parse.quote(key, safe='')}{query}")

    def events(self, key, aggregate="bankaccount", query=""):
        return self.get(f"/v1/streams/{aggregate}/{urllib.parse.quote(key, safe='')}/events{query}").json()


class Server:
    def __init__(self, manifest=MANIFEST, data=None, arguments=(), environment=None):
        self.manifest = manifest
        self.owned = data is None
        self.data = data or tempfile.mkdtemp(prefix="concordance-scenario-")
        self.arguments = list(arguments)
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.port = None
        self.log = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.remove()

    def start(self):
        """Starts and waits until it says where it listens."""
        command = [BINARY, "run", "-f", self.manifest, "--listen", "127.0.0.1:0"]
        if "--ephemeral" not in self.arguments:
            command += ["--data", self.data]
        self.process = subprocess.Popen(command + self.arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, env=self.environment, text=True)
        self.log = []
        threading.Thread(target=self._keep_log, args=(self.process,), daemon=True).start()
        guard = threading.Timer(START_SECONDS, self.process.kill)
        guard.start()
        line = self.process.stdout.readline()
        guard.cancel()
        if "listens on http://" not in line:
            code = self.process.wait()
            time.sleep(0.1)
            raise RuntimeError(f"the server did not start (exit {code}): {line!r} {''.join(self.log)}")
        self.port = int(line.split("http://127.0.0.1:")[1].split()[0])
        return self

    def _keep_log(self, process):
        for line in process.stderr:
            self.log.append(line)

    def client(self, timeout=30):
        return Client(self.port, timeout)

    def kill(self):
        self.process.kill()
        code = self.process.wait()
        self.process.stdout.close()
        return code

    def stop(self, number=signal.SIGTERM):
        """Ends it in order and returns its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        return code

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        elif self.process is not None:
            self.process.stdout.close()
        if self.owned:
            shutil.rmtree(self.data, ignore_errors=True)

    def run(self, *arguments, stdin=None, environment=None):
        """The command line against this server."""
        return cli(*arguments, stdin=stdin,
                   environment=dict(environment or {}, CONCORDANCE_URL=f"http://127.0.0.1:{self.port}"))


def cli(*arguments, stdin=None, environment=None, cwd=None):
    return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True, timeout=120, cwd=cwd,
                          env=dict(os.environ, **(environment or {})))
