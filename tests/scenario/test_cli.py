# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints, its exit codes, and how `run` refuses what it cannot serve."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from server import BANK, BINARY, MANIFEST, Server, cli

GUESTS = os.environ.get("GUESTS_DIR", os.path.abspath("build/tests/guests"))

OK, FAILED, USAGE, REJECTED, CONFLICT, NOT_FOUND, UNAVAILABLE, DAMAGED, INVALID = range(9)


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def run_cli(self, *arguments, code=OK, **options):
        result = self.server.run(*arguments, **options)
        self.assertEqual(result.returncode, code, (arguments, result.stdout, result.stderr))
        if code == OK:
            self.assertEqual(result.stderr, "")
        else:
            self.assertTrue(result.stderr.strip() or "--json" in arguments, "a failure says why")
        return result.stdout if code == OK else result.stderr

    def open(self, key):
        self.run_cli("send", f"bankaccount/{key}", "create_account", json.dumps({"accountNumber": key, "customerId": "c"}))

    def test_help_and_version(self):
        for arguments in (["help"], ["--help"], ["-h"], ["help", "send"], ["send", "--help"], ["--version"], ["version"]):
            self.assertTrue(self.run_cli(*arguments))
        for command in ("run", "send", "events", "state", "check", "verify", "inspect", "version"):
            self.assertIn("Examples:", self.run_cli("help", command))

    def test_a_wrong_command_line_is_explained(self):
        for arguments in ([], ["sedn"], ["send"], ["send", "bankaccount"], ["send", "bankaccount/a"], ["state"],
                          ["state", "bankaccount/a", "--nonsense"], ["events", "--limit", "x"], ["verify"],
                          ["send", "bankaccount/a", "t", "{}", "surplus"], ["run", "surplus"]):
            self.assertIn("help", self.run_cli(*arguments, code=USAGE))
        self.assertIn("'send'", self.run_cli("sedn", code=USAGE))

    def test_send_and_its_outcomes(self):
        self.open("S1")
        self.assertIn("version 2", self.run_cli("send", "bankaccount/S1", "deposit_funds", '{"amount": 5}'))
        self.assertIn("version 3", self.run_cli("send", "bankaccount/S1", "deposit_funds", "-", stdin='{"amount": 5}'))
        rejected = self.run_cli("send", "bankaccount/S1", "withdraw_funds", '{"amount": 50}', code=REJECTED)
        self.assertIn("insufficient_funds", rejected)
        self.run_cli("send", "bankaccount/S1", "deposit_funds", '{"amount": 5}', "--expected-version", "2", code=CONFLICT)
        self.run_cli("send", "bankaccount/S1", "deposit_funds", '{"amount": 7}', "--id", "x")
        self.run_cli("send", "bankaccount/S1", "deposit_funds", '{"amount": 8}', "--id", "x", code=CONFLICT)
        self.run_cli("send", "nosuch/S1", "deposit_funds", "{}", code=NOT_FOUND)
        self.run_cli("send", "bankaccount/S1", "deposit_funds", "{", code=USAGE)
        self.run_cli("send", "bankaccount/S1", "deposit_funds", "-", stdin="{", code=INVALID)
        self.run_cli("send", "bankaccount/S1", "bad type", "{}", code=USAGE)
        reply = json.loads(self.run_cli("send", "bankaccount/S1", "deposit_funds", '{"amount": 1}', "--state", "--json"))
        self.assertEqual((reply["outcome"], reply["state"]["balance"]), ("accepted", 18))

    def test_state_now_and_as_it_was(self):
        self.open("S2")
        self.run_cli("send", "bankaccount/S2", "deposit_funds", '{"amount": 5}')
        self.assertIn('"balance": 5', self.run_cli("state", "bankaccount/S2"))
        self.assertEqual(json.loads(self.run_cli("state", "bankaccount/S2", "--version", "1", "--json"))["state"]["balance"], 0)
        self.run_cli("state", "bankaccount/nobody", code=NOT_FOUND)
        self.run_cli("state", "bankaccount/S2", "--version", "9", code=NOT_FOUND)

    def test_keys_may_hold_anything(self):
        for key in ("a/b", "ä ö?#%", "x" * 256):
            self.open(key)
            self.assertIn("version 1", self.run_cli("state", f"bankaccount/{key}"))

    def test_events_are_lines_for_people_and_json_for_programs(self):
        self.open("S3")
        for amount in (1, 2, 3):
            self.run_cli("send", "bankaccount/S3", "deposit_funds", json.dumps({"amount": amount}))
        lines = self.run_cli("events", "--stream", "bankaccount/S3").splitlines()
        self.assertEqual(len(lines), 4)
        events = [json.loads(line) for line in self.run_cli("events", "--stream", "bankaccount/S3", "--json").splitlines()]
        self.assertEqual([event["version"] for event in events], ["1", "2", "3", "4"])
        events = self.run_cli("events", "--stream", "bankaccount/S3", "--type", "funds_deposited", "--backward", "--limit",
                              "2", "--json").splitlines()
        self.assertEqual([json.loads(line)["version"] for line in events], ["4", "3"])

    def test_events_are_followed_live(self):
        self.open("S4")
        follower = subprocess.Popen([BINARY, "events", "--stream", "bankaccount/S4", "--follow", "--json"],
                                    stdout=subprocess.PIPE, text=True,
                                    env=dict(os.environ, CONCORDANCE_URL=f"http://127.0.0.1:{self.server.port}"))
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.addCleanup(follower.stdout.close)
        self.assertEqual(json.loads(follower.stdout.readline())["version"], "1")
        self.run_cli("send", "bankaccount/S4", "deposit_funds", '{"amount": 5}')
        self.assertEqual(json.loads(follower.stdout.readline())["version"], "2")

    def test_nobody_there(self):
        result = cli("state", "bankaccount/a", environment={"CONCORDANCE_URL": "http://127.0.0.1:1"})
        self.assertEqual(result.returncode, UNAVAILABLE)
        self.assertIn("127.0.0.1:1", result.stderr)

    def test_inspect_tells_role_imports_and_digest(self):
        component = os.path.join(BANK, "build", "bankaccount.wasm")
        text = cli("inspect", component)
        self.assertEqual(text.returncode, OK, text.stderr)
        self.assertIn("aggregate", text.stdout)
        value = json.loads(cli("inspect", component, "--json").stdout)
        self.assertEqual(len(value["digest"]), 64)
        self.assertEqual(cli("inspect", "/nonexistent.wasm").returncode, NOT_FOUND)
        self.assertEqual(cli("inspect", MANIFEST).returncode, INVALID)

    def test_errors_are_json_for_programs(self):
        result = self.server.run("state", "bankaccount/nobody", "--json")
        self.assertEqual(result.returncode, NOT_FOUND)
        self.assertEqual(json.loads(result.stderr)["error"]["code"], "not_found")


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
