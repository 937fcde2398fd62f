# SPDX-License-Identifier: Apache-2.0
"""The command line against a running server: what it prints, its exit codes, what it refuses before doing anything."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

from server import BANK, BINARY, MANIFEST, Server, cli

OK, FAILED, USAGE, REJECTED, CONFLICT, NOT_FOUND, UNAVAILABLE, DAMAGED, INVALID = range(9)

CREATE = ("create_account", '{"accountNumber": "A", "customerId": "c", "initialBalance": 4000}')


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.server = Server().start()
        self.addCleanup(self.server.remove)

    def run_ok(self, *arguments, **options):
        done = self.server.run(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (OK, ""), done)
        return done.stdout

    def test_send_state_and_events_tell_the_same_story(self):
        self.assertIn("accepted  bankaccount/A  version 1  position 1024\n1\taccount_created\t{",
                      self.run_ok("send", "bankaccount/A", *CREATE))
        self.assertRegex(self.run_ok("send", "bankaccount/A", "deposit_funds", '{"amount": 50}', "--state"),
                         r'(?s)^accepted .*version 2.*"balance": 4050')
        state = json.loads(self.run_ok("state", "bankaccount/A", "--json"))
        self.assertEqual((state["version"], state["state"]["balance"]), (2, 4050))
        before = json.loads(self.run_ok("state", "bankaccount/A", "--version", "1", "--json"))
        self.assertEqual(before["state"]["balance"], 4000)
        rows = [line.split("\t") for line in self.run_ok("events").splitlines()]
        self.assertEqual([row[1:5] for row in rows], [["1024", "bankaccount/A", "1", "account_created"],
                                                      ["2048", "bankaccount/A", "2", "funds_deposited"]])
        newest = json.loads(self.run_ok("events", "--stream", "bankaccount/A", "--backward", "--limit", "1", "--json"))
        self.assertEqual((newest["version"], newest["data"]), ("2", {"amount": 50}))

    def test_each_kind_of_no_has_its_exit_code(self):
        self.run_ok("send", "bankaccount/A", *CREATE)
        noes = [
            (REJECTED, "insufficient_funds", ["send", "bankaccount/A", "withdraw_funds", '{"amount": 5000}']),
            (CONFLICT, "at version 1, not 0", ["send", "bankaccount/A", "deposit_funds", '{"amount": 1}',
                                               "--expected-version", "0"]),
            (NOT_FOUND, "no aggregate 'nothing'", ["send", "nothing/A", "x"]),
            (NOT_FOUND, "bankaccount/B", ["state", "bankaccount/B"]),
            (USAGE, "has no key", ["send", "bankaccount", "x"]),
            (USAGE, "not JSON", ["send", "bankaccount/A", "x", "{"]),
            (USAGE, "did you mean 'send'", ["sned"]),
            (UNAVAILABLE, "Is `concordance run` running there?", ["state", "bankaccount/A", "--url",
                                                                 "http://127.0.0.1:1"]),
        ]
        for code, text, arguments in noes:
            done = self.server.run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done)
            self.assertIn(text, done.stderr)

    def test_a_command_sent_twice_by_id_has_one_effect(self):
        self.run_ok("send", "bankaccount/A", *CREATE)
        for _ in range(2):
            self.run_ok("send", "bankaccount/A", "deposit_funds", "-", "--id", "d1", stdin='{"amount": 7}')
        self.assertEqual(json.loads(self.run_ok("state", "bankaccount/A", "--json"))["state"]["balance"], 4007)

    def test_errors_are_json_for_programs(self):
        done = self.server.run("state", "bankaccount/nobody", "--json")
        self.assertEqual(done.returncode, NOT_FOUND)
        self.assertEqual(json.loads(done.stderr)["error"]["code"], "not_found")

    def test_keys_are_any_text(self):
        for key in ("a/b", "ä ö", "%2F", "..", "a?b#c&d=e"):
            self.run_ok("send", f"bankaccount/{key}", "create_account",
                        json.dumps({"accountNumber": key, "customerId": "c"}))
            state = json.loads(self.run_ok("state", f"bankaccount/{key}", "--json"))
            self.assertEqual(state["stream"], f"bankaccount/{key}")

    def test_following_shows_what_is_new_until_the_server_ends(self):
        self.run_ok("send", "bankaccount/A", *CREATE)
        with subprocess.Popen([BINARY, "events", "--follow", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=dict(os.environ, CONCORDANCE_URL=f"http://127.0.0.1:{self.server.port}")
                              ) as follower:
            guard = threading.Timer(60, follower.kill)
            guard.start()
            self.assertEqual(json.loads(follower.stdout.readline())["type"], "account_created")
            self.run_ok("send", "bankaccount/A", "deposit_funds", '{"amount": 1}')
            self.assertEqual(json.loads(follower.stdout.readline())["type"], "funds_deposited")
            self.assertEqual(self.server.stop(), 0)
            self.assertEqual(follower.wait(), UNAVAILABLE)
            guard.cancel()
            self.assertIn("--after 2048", follower.stderr.read())

    def test_data_over_several_lines_stays_one_event(self):
        client = self.server.client()
        answer = client.post("/v1/events", '{"specversion":"1.0","id":"1","source":"/s","type":"noted",'
                             '"data":{\n"a":\r\n [1,\n2]}}', {"Content-Type": "application/cloudevents+json"})
        self.assertEqual(answer.status, 200)
        client.close()
        for more in ([], ["--follow", "--limit", "1"]):
            lines = self.run_ok("events", "--category", "external", "--json", *more).splitlines()
            self.assertEqual([json.loads(line)["data"] for line in lines], [{"a": [1, 2]}])
            self.assertTrue(self.run_ok("events", *more).endswith('\tnoted\t{"a":[1,2]}\n'))

    def test_verify_refuses_a_journal_in_use_and_finds_damage(self):
        self.run_ok("send", "bankaccount/A", *CREATE)
        self.assertEqual(cli("verify", self.server.data).returncode, UNAVAILABLE)
        self.assertEqual(self.server.stop(), 0)
        done = cli("verify", self.server.data, "--json")
        self.assertEqual(done.returncode, OK, done)
        self.assertEqual(json.loads(done.stdout)["events"], 1)
        segment = os.path.join(self.server.data, "segment-00000001")
        with open(segment, "r+b") as file:
            offset = file.read(1 << 20).index(b"account_created")
            file.seek(offset)
            file.write(b"Account")
        done = cli("verify", self.server.data)
        self.assertEqual(done.returncode, DAMAGED, done)
        self.assertIn("damaged  segment-00000001", done.stdout)


class Local(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="concordance-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def manifest(self, text):
        path = os.path.join(self.folder, "concordance.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_check_accepts_the_bank(self):
        done = cli("check", "-f", MANIFEST)
        self.assertEqual(done.returncode, OK, done)
        self.assertRegex(done.stdout, r"^ok  aggregate +bankaccount  sha256:[0-9a-f]{64} +\d+ bytes\n$")

    def test_check_tells_what_is_wrong_with_each_component_and_what_is_right(self):
        good = os.path.join(BANK, "build", "bankaccount.wasm")
        path = self.manifest("concordance: 1\napplication: x\ncomponents:\n"
                             "- {role: projector, name: p, component: p.wasm, interest: [x]}\n"
                             f"- {{role: aggregate, name: a, component: {good}}}\n"
                             "- {role: aggregate, name: b, component: missing.wasm}\n")
        done = cli("check", "-f", path)
        self.assertEqual(done.returncode, INVALID, done)
        self.assertIn(f"{path}:4:41: component 'p': role projector is not served by this version", done.stderr)
        self.assertIn(f"{path}:6:41: ", done.stderr)
        self.assertIn("ok  aggregate        a  sha256:", done.stdout)

    def test_check_and_run_tell_all_mistakes_of_a_manifest(self):
        path = self.manifest("concordance: 1\napplication: X\nlimit: {}\ncomponents:\n- {role: agregate, name: a}\n")
        for arguments in (["check"], ["run", "--data", os.path.join(self.folder, "data")]):
            done = cli(*arguments, "-f", path)
            self.assertEqual(done.returncode, INVALID, done)
            self.assertEqual(re.findall(r"concordance\.yaml:(\d+:\d+): ", done.stderr)[:4],
                             ["2:14", "3:1", "5:3", "5:10"])
            self.assertIn("did you mean 'aggregate'?", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "data")))

    def test_help_and_version(self):
        for arguments in (["help"], ["--help"], ["-h"], ["help", "send"], ["send", "--help"], ["--version"], ["version"]):
            done = cli(*arguments)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertTrue(done.stdout)
        for command in ("run", "send", "events", "state", "check", "verify", "inspect", "version"):
            self.assertIn("Examples:", cli("help", command).stdout)

    def test_a_wrong_command_line_is_explained(self):
        for arguments in ([], ["sedn"], ["send"], ["send", "bankaccount"], ["send", "bankaccount/a"], ["state"],
                          ["state", "bankaccount/a", "--nonsense"], ["events", "--limit", "x"], ["verify"],
                          ["send", "bankaccount/a", "t", "{}", "surplus"], ["run", "surplus"]):
            done = cli(*arguments)
            self.assertEqual(done.returncode, USAGE, arguments)
            self.assertIn("help", done.stderr)
        self.assertIn("'send'", cli("sedn").stderr)

    def test_nobody_there(self):
        done = cli("state", "bankaccount/a", environment={"CONCORDANCE_URL": "http://127.0.0.1:1"})
        self.assertEqual(done.returncode, UNAVAILABLE)
        self.assertIn("127.0.0.1:1", done.stderr)

    def test_inspect_shows_role_and_digest(self):
        done = cli("inspect", os.path.join(BANK, "build", "bankaccount.wasm"), "--json")
        self.assertEqual(done.returncode, OK, done)
        found = json.loads(done.stdout)
        self.assertEqual(found["roles"], ["aggregate"])
        self.assertRegex(found["digest"], "^[0-9a-f]{64}$")
        self.assertIn("handle", [item.get("function") for item in found["exports"]])

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([BINARY, "help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                  check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("No space left on device", done.stderr)


if __name__ == "__main__":
    unittest.main()
