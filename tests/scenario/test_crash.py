# SPDX-License-Identifier: Apache-2.0
"""`kill -9` at any moment: everything that was answered is there, once, and nothing was invented."""

import json
import os
import random
import shutil
import tempfile
import threading
import time
import unittest

from server import Server, cli

KILLS = int(os.environ.get("CONCORDANCE_KILLS", "100"))
CLIENTS = 8
ACCOUNTS = 20


class Load(threading.Thread):
    """Deposits with ids of its own, and remembers what was answered."""

    def __init__(self, port, number, chance):
        super().__init__()
        self.port = port
        self.number = number
        self.chance = chance
        self.answered = {}  # id -> (key, amount, version, position)
        self.unknown = {}   # id -> (key, amount): sent, and the server died
        self.wrong = []

    def run(self):
        from server import Client

        client = Client(self.port)
        serial = 0
        while True:
            serial += 1
            id = f"{self.number}-{self.chance}-{serial}"
            key = f"acct-{random.randrange(ACCOUNTS)}"
            amount = random.randrange(1, 1000)
            try:
                answer = client.command(key, "deposit_funds", {"amount": amount}, id=id)
            except OSError:
                self.unknown[id] = (key, amount)
                return
            except Exception as error:  # noqa: BLE001 - half an answer: http.client has many ways to say it
                if "http.client" not in type(error).__module__:
                    raise
                self.unknown[id] = (key, amount)
                return
            if answer.status == 200:
                body = answer.json()
                self.answered[id] = (key, amount, body["version"], body["position"])
            else:
                self.wrong.append(answer)
                return


class Crash(unittest.TestCase):
    def read_log(self, client):
        """All events as {command id: (key, amount, version, position)}, and the balances they add up to."""
        stored, balances, after = {}, {}, 0
        while True:
            page = client.get(f"/v1/events?after={after}&limit=10000").json()
            if not page:
                return stored, balances
            for event in page:
                position = int(event["position"])
                self.assertGreater(position, after)
                after = position
                amount = event["data"].get("amount", event["data"].get("initialBalance", 0))
                self.assertNotIn(event["commandid"], stored, "a command is there twice")
                stored[event["commandid"]] = (event["subject"], amount, int(event["version"]), position)
                balances[event["subject"]] = balances.get(event["subject"], 0) + amount

    def check(self, client, answered, unknown):
        stored, balances = self.read_log(client)
        for id, (key, amount, version, position) in answered.items():
            self.assertEqual(stored.get(id), (key, amount, version, position), f"command {id} was answered")
        known = set(answered) | set(unknown)
        for id in stored:
            if not id.startswith("open-"):
                self.assertIn(id, known, "an event that nobody asked for")
        for key, balance in balances.items():
            self.assertEqual(client.state(key).json()["state"]["balance"], balance)

    def test_every_answered_command_is_there_exactly_once_after_each_of_many_kills(self):
        server = Server()
        self.addCleanup(server.remove)
        answered, unknown = {}, {}
        for kill in range(KILLS):
            server.start()
            client = server.client()
            if kill == 0:
                for i in range(ACCOUNTS):
                    reply = client.command(f"acct-{i}", "create_account",
                                           {"accountNumber": f"acct-{i}", "customerId": "c"}, id=f"open-{i}")
                    self.assertEqual(reply.status, 200, reply)
            elif kill % 10 == 0 or kill < 3:
                self.check(client, answered, unknown)
            load = [Load(server.port, i, kill) for i in range(CLIENTS)]
            for thread in load:
                thread.start()
            time.sleep(random.uniform(0.0, 0.15))
            server.kill()
            for thread in load:
                thread.join()
                self.assertEqual(thread.wrong, [])
                answered.update(thread.answered)
                unknown.update(thread.unknown)
            client.close()
        verified = cli("verify", server.data, "--json")
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        server.start()
        client = server.client()
        self.check(client, answered, unknown)
        # What was on its way when the server died is sent again, as a client would: one effect each.
        for id, (key, amount) in unknown.items():
            reply = client.command(key, "deposit_funds", {"amount": amount}, id=id)
            self.assertEqual(reply.status, 200, reply)
            answered[id] = (key, amount, reply.json()["version"], reply.json()["position"])
        self.check(client, answered, {})
        self.assertGreater(len(answered), KILLS, "the load must have done something")
        client.close()

    def test_a_restart_gives_the_same_states_byte_for_byte(self):
        server = Server()
        self.addCleanup(server.remove)
        server.start()
        client = server.client()
        keys = [f"k{i}" for i in range(50)]
        for key in keys:
            client.command(key, "create_account", {"accountNumber": key, "customerId": "c", "initialBalance": 1000})
            for i in range(random.randrange(5)):
                client.command(key, "reserve_funds", {"amount": 7, "wireTransferId": f"w{i}",
                                                      "targetRoutingNumber": "1", "targetAccountNumber": "2"})
        before = {key: client.state(key).body for key in keys}
        log = client.get("/v1/events?limit=10000").body
        client.close()
        self.assertEqual(server.stop(), 0)
        # Nothing but the log: caches of compiled code are elsewhere, and there may be none.
        with tempfile.TemporaryDirectory() as cache:
            server.arguments = ["--cache", cache]
            server.start()
            client = server.client()
            self.assertEqual({key: client.state(key).body for key in keys}, before)
            self.assertEqual(client.get("/v1/events?limit=10000").body, log)
            client.close()
            self.assertEqual(server.stop(), 0)

    def test_a_graceful_stop_finishes_what_it_has_accepted(self):
        for _ in range(5):
            server = Server()
            self.addCleanup(server.remove)
            server.start()
            client = server.client()
            for i in range(ACCOUNTS):
                client.command(f"acct-{i}", "create_account", {"accountNumber": f"acct-{i}", "customerId": "c"},
                               id=f"open-{i}")
            load = [Load(server.port, i, 0) for i in range(CLIENTS)]
            for thread in load:
                thread.start()
            time.sleep(0.1)
            self.assertEqual(server.stop(), 0)
            answered = {}
            for thread in load:
                thread.join()
                answered.update(thread.answered)
            client.close()
            server.start()
            client = server.client()
            unknown = {id: value for thread in load for id, value in thread.unknown.items()}
            self.check(client, answered, unknown)
            client.close()


if __name__ == "__main__":
    unittest.main()
