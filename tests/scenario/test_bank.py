# SPDX-License-Identifier: Apache-2.0
"""The bank: accounts as a client sees them."""

import concurrent.futures
import json
import random
import unittest

from server import Server


class Bank(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def accept(self, key, type, data, **members):
        answer = self.client.command(key, type, data, **members)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json()["outcome"], "accepted")
        return answer.json()

    def reject(self, key, type, data, code):
        answer = self.client.command(key, type, data)
        self.assertEqual((answer.status, answer.json()["code"]), (422, code), answer)
        self.assertIs(answer.json()["stored"], False)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        return answer.json()

    def open(self, key, balance=0, minimum=0):
        return self.accept(key, "create_account", {"accountNumber": key, "customerId": "CUST", "initialBalance": balance,
                                                   "minBalance": minimum})

    def balance(self, key):
        return self.client.state(key).json()["state"]["balance"]

    def test_deposits_and_a_withdrawal_add_up_a_thousand_times(self):
        for run in range(1000):
            key = f"A1-{run}"
            self.open(key, 4000, 100)
            self.accept(key, "deposit_funds", {"amount": 3000})
            self.accept(key, "deposit_funds", {"amount": 1000})
            last = self.accept(key, "withdraw_funds", {"amount": 2000})
            self.assertEqual(last["version"], 4)
        self.assertEqual(self.balance("A1-7"), 6000)
        types = [event["type"] for event in self.client.events("A1-7")]
        self.assertEqual(types, ["account_created", "funds_deposited", "funds_deposited", "funds_withdrawn"])
        balances = [self.client.state("A1-7", query=f"?version={version}").json()["state"]["balance"]
                    for version in (1, 2, 3, 4)]
        self.assertEqual(balances, [4000, 7000, 8000, 6000])

    def test_a_deposit_to_an_unknown_account_stores_nothing(self):
        before = self.client.get("/v1/events?direction=backward&limit=1").json()
        self.reject("nobody", "deposit_funds", {"amount": 1}, "no_account")
        self.assertEqual(self.client.state("nobody").status, 404)
        self.assertEqual(self.client.events("nobody"), [])
        self.assertEqual(self.client.get("/v1/events?direction=backward&limit=1").json(), before)

    def test_of_twenty_concurrent_withdrawals_four_are_accepted_two_hundred_times(self):
        def withdraw(key):
            client = self.server.client()
            try:
                return client.command(key, "withdraw_funds", {"amount": 1000}).status
            finally:
                client.close()

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            for run in range(200):
                key = f"A3-{run}"
                self.open(key, 4000, 0)
                statuses = list(pool.map(withdraw, [key] * 20))
                self.assertEqual((statuses.count(200), statuses.count(422)), (4, 16))
                self.assertEqual(self.balance(key), 0)

    def test_a_wire_over_what_is_available_is_rejected(self):
        self.open("A5", 1000, 100)
        wire = {"wireTransferId": "w", "targetRoutingNumber": "1", "targetAccountNumber": "2"}
        self.reject("A5", "wire_funds", {"amount": 901, **wire}, "insufficient_funds")
        accepted = self.accept("A5", "wire_funds", {"amount": 900, **wire})
        self.assertEqual(accepted["events"][0]["type"], "wire_transfer_initiated")
        self.assertEqual(accepted["events"][0]["data"]["accountNumber"], "A5")
        self.accept("A5", "reserve_funds", {"amount": 600, **wire})
        self.reject("A5", "wire_funds", {"amount": 301, **wire}, "insufficient_funds")
        self.reject("A5", "reserve_funds", {"amount": 1, **wire}, "already_reserved")

    def test_committing_or_releasing_an_unknown_wire_is_rejected(self):
        self.open("A7", 1000)
        self.reject("A7", "commit_funds", {"wireTransferId": "x"}, "no_reservation")
        self.reject("A7", "release_funds", {"wireTransferId": "x"}, "no_reservation")

    def test_a_reservation_is_committed_once_or_released_once(self):
        self.open("A7b", 4000)
        wire = {"amount": 500, "targetRoutingNumber": "1", "targetAccountNumber": "2"}
        self.accept("A7b", "reserve_funds", {"wireTransferId": "w1", **wire})
        self.accept("A7b", "reserve_funds", {"wireTransferId": "w2", **wire})
        self.assertEqual(self.client.state("A7b").json()["state"]["reservations"], {"w1": 500, "w2": 500})
        self.assertEqual(self.accept("A7b", "commit_funds", {"wireTransferId": "w1"})["events"][0]["data"]["amount"], 500)
        self.accept("A7b", "release_funds", {"wireTransferId": "w2"})
        self.reject("A7b", "release_funds", {"wireTransferId": "w2"}, "no_reservation")
        state = self.client.state("A7b").json()["state"]
        self.assertEqual((state["balance"], state["reservations"]), (3500, {}))

    def test_the_same_command_id_gives_the_same_reply_and_no_second_effect(self):
        self.open("A8", 100)
        first = self.accept("A8", "deposit_funds", {"amount": 5}, id="once")
        again = self.accept("A8", "deposit_funds", {"amount": 5}, id="once")
        self.assertIs(again.pop("duplicate"), True)
        self.assertEqual(again, first)
        self.assertEqual(self.balance("A8"), 105)
        reused = self.client.command("A8", "deposit_funds", {"amount": 6}, id="once")
        self.assertEqual((reused.status, reused.json()["code"]), (409, "id_reused"))
        # The header is the same id.
        header = self.client.request("POST", "/v1/aggregates/bankaccount/A8/commands",
                                     {"type": "deposit_funds", "data": {"amount": 5}}, {"Idempotency-Key": "once"})
        self.assertIs(header.json()["duplicate"], True)

    def test_the_same_command_sent_by_many_at_once_has_one_effect(self):
        self.open("A8c", 0)

        def deposit(_):
            client = self.server.client()
            try:
                return client.command("A8c", "deposit_funds", {"amount": 7}, id="same").json()
            finally:
                client.close()

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(deposit, range(64)))
        self.assertEqual(self.balance("A8c"), 7)
        self.assertEqual(sum(1 for reply in replies if "duplicate" not in reply), 1)
        self.assertEqual({reply["position"] for reply in replies}, {replies[0]["position"]})

    def test_unknown_commands_are_rejected_and_unknown_members_tolerated(self):
        self.open("A11", 10)
        self.reject("A11", "paint_account", {}, "unknown_command")
        self.accept("A11", "deposit_funds", {"amount": 1, "colour": "red", "deep": {"a": [1, 2]}})
        self.assertEqual(self.balance("A11"), 11)

    def test_bad_amounts_are_rejected_and_balances_never_wrap(self):
        self.open("A12", 100)
        for amount in (-1, 0, 1.5, 2 ** 53, 2 ** 63, 2 ** 64, 10 ** 30, "1", True, None, [1], {"a": 1}):
            for command in ("deposit_funds", "withdraw_funds"):
                self.reject("A12", command, {"amount": amount}, "invalid_amount")
        self.reject("A12", "deposit_funds", {}, "invalid_amount")
        answer = self.client.post("/v1/aggregates/bankaccount/A12/commands",
                                  '{"type":"deposit_funds","data":{"amount":NaN}}')
        self.assertEqual((answer.status, answer.json()["code"]), (400, "bad_json"))
        self.assertEqual(self.balance("A12"), 100)
        # Deposits of the largest amount until one is refused: never a wrap.
        largest = 2 ** 53 - 1
        balance = 100
        for _ in range(2000):
            answer = self.client.command("A12", "deposit_funds", {"amount": largest})
            if answer.status != 200:
                break
            balance += largest
            self.assertEqual(self.balance("A12"), balance)
        self.assertEqual(answer.status, 422, "some deposit must have been too much")
        self.assertEqual(self.balance("A12"), balance)

    def test_random_histories_agree_with_ten_lines_of_python(self):
        seed = random.randrange(2 ** 32)
        chance = random.Random(seed)
        balance, reserved = 500, {}
        self.open("model", balance, 50)
        for step in range(500):
            amount = chance.randrange(1, 400)
            wire = f"w{chance.randrange(6)}"
            kind = chance.choice(["deposit_funds", "withdraw_funds", "reserve_funds", "release_funds", "commit_funds"])
            fits = balance - sum(reserved.values()) - amount >= 50
            if kind == "deposit_funds":
                expected, balance = None, balance + amount
            elif kind == "withdraw_funds":
                expected = None if fits else "insufficient_funds"
                balance -= amount if fits else 0
            elif kind == "reserve_funds":
                expected = "already_reserved" if wire in reserved else None if fits else "insufficient_funds"
                if expected is None:
                    reserved[wire] = amount
            else:
                expected = None if wire in reserved else "no_reservation"
                taken = reserved.pop(wire, 0)
                balance -= taken if kind == "commit_funds" else 0
            data = {"amount": amount, "wireTransferId": wire, "targetRoutingNumber": "1", "targetAccountNumber": "2"}
            answer = self.client.command("model", kind, data)
            self.assertEqual(answer.json().get("code"), expected, f"seed {seed} step {step} {kind} {data}")
        state = self.client.state("model").json()["state"]
        self.assertEqual((state["balance"], state["reservations"]), (balance, reserved), f"seed {seed}")


if __name__ == "__main__":
    unittest.main()
