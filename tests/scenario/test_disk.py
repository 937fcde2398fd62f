# SPDX-License-Identifier: Apache-2.0
"""Disks that fail, fill up or rot, under a real server. Faults are injected with strace, the full disk is
a small tmpfs in a mount namespace of its own; where the machine does not allow these, the test says so
and is skipped."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from server import MANIFEST, Server, cli


class Disk(unittest.TestCase):
    def deposit(self, client, amount=1):
        return client.command("a", "deposit_funds", {"amount": amount})

    def opened(self, server):
        client = server.client()
        self.addCleanup(client.close)
        answer = client.command("a", "create_account", {"accountNumber": "a", "customerId": "c"})
        self.assertEqual(answer.status, 200, answer)
        return client

    def wait_for_second_segment(self, server):
        """Segments are prepared in the background."""
        deadline = time.monotonic() + 30
        while not os.path.exists(os.path.join(server.data, "segment-00000002")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def tracer(self, server, fault):
        """strace with the fault injected into the system calls of the running server."""
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        self.wait_for_second_segment(server)  # the fault is for commits
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                                   f"inject={fault}", "-p",
                                   str(server.process.pid)], stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        if tracer.poll() is not None:
            self.assertIsNone(server.process.poll(), "".join(server.log))
            self.skipTest(f"strace cannot trace here: {tracer.stderr.read()}")
        self.addCleanup(tracer.wait)
        self.addCleanup(tracer.terminate)
        self.addCleanup(tracer.stderr.close)
        return tracer

    def test_a_failed_write_ends_the_process_and_nothing_that_was_answered_is_lost(self):
        for fault in ("pwrite64:error=EIO:when=5+", "pwrite64:error=ENOSPC:when=5+"):
            with Server() as server:
                client = self.opened(server)
                self.tracer(server, fault)
                answered = 0
                try:
                    for _ in range(20):
                        answer = self.deposit(client)
                        if answer.status != 200:
                            break
                        answered += 1
                except OSError:
                    pass
                except Exception as error:  # noqa: BLE001 - half an answer
                    if "http.client" not in type(error).__module__:
                        raise
                self.assertLess(answered, 20)
                self.assertEqual(server.process.wait(timeout=20), 1)
                time.sleep(0.1)
                self.assertIn("storage_failed", "".join(server.log))
                server.process.stdout.close()
                server.start()
                client = server.client()
                balance = client.state("a").json()["state"]["balance"]
                # The write whose answer nobody got may be there or not.
                self.assertIn(balance, (answered, answered + 1))
                self.assertEqual(self.deposit(client).status, 200)
                client.close()

    def test_a_full_disk_refuses_writes_serves_reads_and_recovers(self):
        if os.geteuid() != 0:
            self.skipTest("mounting needs root")
        directory = tempfile.mkdtemp(prefix="concordance-full-")
        self.addCleanup(os.rmdir, directory)
        # Room for two segments of 64 MiB, and hardly more.
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "full", directory], capture_output=True).returncode:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", directory])
        ballast = os.path.join(directory, "ballast")
        with Server(data=os.path.join(directory, "data")) as server:
            client = self.opened(server)
            with open(ballast, "wb") as file:
                try:
                    while True:
                        file.write(b"x" * 65536)
                        file.flush()
                except OSError:
                    pass
            answered = 0
            note = "x" * 900000
            for _ in range(400):
                answer = client.command("a", "deposit_funds", {"amount": 1, "note": note[:300000]})
                if answer.status == 507:
                    break
                self.assertIn(answer.status, (200, 503), answer)
                answered += answer.status == 200
            self.assertEqual((answer.status, answer.json()["code"]), (507, "disk_full"))
            self.assertIs(answer.json()["stored"], False)
            self.assertEqual(client.state("a").json()["state"]["balance"], answered)
            ready = client.get("/readyz")
            self.assertEqual((ready.status, ready.json()["code"]), (503, "disk_full"))
            self.assertEqual(client.get("/livez").status, 200)
            os.remove(ballast)
            deadline = time.monotonic() + 20
            while self.deposit(client).status != 200:
                self.assertLess(time.monotonic(), deadline, "it must recover when there is space")
                time.sleep(0.2)
            self.assertEqual(client.get("/readyz").status, 200)
            self.assertEqual(client.state("a").json()["state"]["balance"], answered + 1)

    def test_rot_in_the_middle_is_found_told_and_not_started_on(self):
        with Server() as server:
            client = self.opened(server)
            for _ in range(50):
                self.deposit(client)
            client.close()
            self.wait_for_second_segment(server)
            self.assertEqual(server.stop(), 0)
            self.assertEqual(cli("verify", server.data).returncode, 0)
            segment = os.path.join(server.data, "segment-00000001")
            with open(segment, "r+b") as file:
                content = file.read(64 * 4096)
                place = content.index(b"funds_deposited", 20 * 4096)
                file.seek(place)
                file.write(bytes([content[place] ^ 1]))
            started = cli("run", "-f", MANIFEST, "--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(started.returncode, 7, started.stderr)
            self.assertIn("segment-00000001", started.stderr)
            self.assertIn("verify", started.stderr)
            verified = cli("verify", server.data, "--json")
            self.assertEqual(verified.returncode, 7)
            report = json.loads(verified.stdout)
            self.assertIs(report["ok"], False)
            self.assertEqual(len(report["damages"]), 1)
            os.remove(segment)
            missing = cli("verify", server.data, "--json")
            self.assertEqual(missing.returncode, 7)
            self.assertIs(json.loads(missing.stdout)["ok"], False)
            self.assertNotIn("ok", cli("verify", server.data).stdout)

    def test_an_unfinished_last_write_is_passed_over(self):
        with Server() as server:
            client = self.opened(server)
            for _ in range(5):
                self.deposit(client)
            client.close()
            server.kill()
            segment = os.path.join(server.data, "segment-00000001")
            with open(segment, "rb") as file:
                content = file.read(64 * 4096)
            # As if the machine had lost power in the middle of one more write: its first half is there.
            last = max(at for at in range(0, len(content), 4096) if any(content[at:at + 4096]))
            with open(segment, "r+b") as file:
                file.seek(last + 4096)
                file.write(content[last:last + 60])
            server.start()
            client = server.client()
            self.assertEqual(client.state("a").json()["state"]["balance"], 5)
            self.assertEqual(self.deposit(client).status, 200)
            client.close()
            self.assertEqual(server.stop(), 0)
            self.assertEqual(cli("verify", server.data).returncode, 0)


if __name__ == "__main__":
    unittest.main()
