# SPDX-License-Identifier: Apache-2.0
"""What `run` and `check` refuse: with a reason, an exit code, and nothing begun."""

import os
import shutil
import signal
import socket
import stat
import tempfile
import time
import unittest

from server import BANK, MANIFEST, Server, cli

GUESTS = os.environ.get("GUESTS_DIR", os.path.abspath("build/tests/guests"))

OK, FAILED, USAGE, _, _, NOT_FOUND, UNAVAILABLE, _, INVALID = range(9)


class Refusals(unittest.TestCase):
    """What `run` and `check` refuse: with a reason, a non-zero exit code, and nothing begun."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="concordance-refusals-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def manifest(self, text):
        path = os.path.join(self.directory, "concordance.yaml")
        with open(path, "w") as file:
            file.write(text)
        return path

    def refused(self, arguments, *words, codes=(FAILED, INVALID)):
        result = cli(*arguments)
        self.assertIn(result.returncode, codes, (arguments, result.stdout, result.stderr))
        for word in words:
            self.assertIn(word, result.stdout + result.stderr)
        return result

    def run_refused(self, manifest, *words, **options):
        data = os.path.join(self.directory, "data")
        self.refused(["run", "-f", manifest, "--data", data, "--listen", "127.0.0.1:0"], *words, **options)
        self.assertFalse(os.path.exists(data), "nothing may have been begun")

    HEAD = "concordance: 1\napplication: bank\ncomponents:\n"
    COMPONENT = "  - role: aggregate\n    name: bankaccount\n    component: %s\n"

    def bank(self, component=os.path.join(BANK, "build", "bankaccount.wasm")):
        return self.HEAD + self.COMPONENT % component

    def test_mistakes_in_a_manifest_are_all_named_with_their_place(self):
        path = self.manifest("concordance: 1\naplication: bank\ncomponents:\n  - role: agregate\n    name: 9lives\n"
                             "    component: x.wasm\n    limits: { memory_mib: lots }\n")
        self.run_refused(path, "concordance.yaml:2:", "application", "concordance.yaml:4:", "aggregate",
                         "concordance.yaml:5:", "concordance.yaml:7:")
        self.refused(["check", "-f", path], "concordance.yaml:2:", "concordance.yaml:4:")

    def test_a_missing_manifest_or_component(self):
        self.run_refused("/nonexistent/concordance.yaml", "/nonexistent/concordance.yaml", codes=(NOT_FOUND,))
        path = self.manifest(self.bank("nosuch.wasm"))
        self.run_refused(path, "concordance.yaml:6:", "nosuch.wasm")
        self.refused(["check", "-f", path], "nosuch.wasm")

    def test_components_that_break_the_contract(self):
        self.assertTrue(os.path.isdir(GUESTS), GUESTS)
        for guest, words in (("core_module", ["component"]), ("empty", []), ("no_exports", ["aggregate"]),
                             ("imports_sockets", ["sockets"]), ("imports_unknown", [])):
            component = os.path.join(GUESTS, guest + ".wasm")
            if os.path.exists(component):
                self.run_refused(self.manifest(self.bank(component)), "concordance.yaml:6:", *words)
        self.run_refused(self.manifest(self.bank(os.path.abspath(__file__))), "concordance.yaml:6:")

    def test_roles_that_are_not_served_yet(self):
        path = self.manifest(self.bank() + "  - role: projector\n    name: ledger\n    component: ledger.wasm\n"
                             "    interest: [funds_deposited]\n")
        self.run_refused(path, "concordance.yaml:9:", "projector")

    def test_an_occupied_port(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            data = os.path.join(self.directory, "data")
            self.refused(["run", "-f", MANIFEST, "--data", data, "--listen", f"127.0.0.1:{port}"], str(port),
                         codes=(UNAVAILABLE, FAILED))
            self.assertFalse(os.path.exists(data))

    def test_a_second_server_on_the_same_port_or_directory(self):
        with Server() as first:
            self.refused(["run", "-f", MANIFEST, "--data", os.path.join(self.directory, "data"), "--listen",
                          f"127.0.0.1:{first.port}"], str(first.port), codes=(UNAVAILABLE, FAILED))
            self.refused(["run", "-f", MANIFEST, "--data", first.data, "--listen", "127.0.0.1:0"], first.data,
                         str(first.process.pid), codes=(UNAVAILABLE,))
            self.refused(["verify", first.data], first.data, codes=(UNAVAILABLE,))
            client = first.client()
            self.assertEqual(client.get("/readyz").status, 200)
            client.close()

    def test_addresses_that_others_reach_need_insecure(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
            self.refused(["run", "-f", MANIFEST, "--data", os.path.join(self.directory, "data"), "--listen", address],
                         "--insecure")
        for address in ("localhost", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "example.org:80"):
            self.refused(["run", "-f", MANIFEST, "--listen", address], "address", codes=(USAGE, INVALID))

    def test_data_directories_that_are_not_ours(self):
        foreign = os.path.join(self.directory, "foreign")
        os.mkdir(foreign)
        with open(os.path.join(foreign, "letter.txt"), "w") as file:
            file.write("dear journal")
        self.refused(["run", "-f", MANIFEST, "--data", foreign, "--listen", "127.0.0.1:0"], foreign)
        self.assertEqual(os.listdir(foreign), ["letter.txt"], "nothing may be touched")
        path = os.path.join(self.directory, "file")
        open(path, "w").close()
        self.refused(["run", "-f", MANIFEST, "--data", path, "--listen", "127.0.0.1:0"], path)
        self.refused(["run", "-f", MANIFEST, "--data", os.path.join(self.directory, "a", "b"), "--listen", "127.0.0.1:0"],
                     codes=(FAILED, INVALID, NOT_FOUND))
        self.refused(["verify", "/nonexistent"], "/nonexistent", codes=(NOT_FOUND,))

    def test_data_is_private(self):
        with Server(data=os.path.join(self.directory, "data")) as server:
            self.assertEqual(stat.S_IMODE(os.stat(server.data).st_mode), 0o700)
            for name in os.listdir(server.data):
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(server.data, name)).st_mode), 0o600, name)

    def test_ephemeral_keeps_nothing(self):
        with Server(arguments=["--ephemeral"]) as server:
            client = server.client()
            self.assertEqual(client.command("a", "create_account", {"accountNumber": "a", "customerId": "c"}).status, 200)
            client.close()
            self.assertEqual(os.listdir(server.data), [])

    def test_signals_end_it_in_order_and_a_second_one_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Server() as server:
                self.assertEqual(server.stop(number), OK)
        with Server() as server:
            # A client in the middle of a request keeps the drain waiting; the second signal does not wait.
            connection = socket.create_connection(("127.0.0.1", server.port))
            self.addCleanup(connection.close)
            connection.sendall(b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGTERM)
                self.assertEqual(server.process.wait(timeout=10), 128 + signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
