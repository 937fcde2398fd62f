# SPDX-License-Identifier: Apache-2.0
"""The log as readers see it: pages, filters, formats, event streams, external events, direct appends."""

import http.client
import json
import threading
import time
import unittest

from server import Server


class Follower:
    """Reads server-sent events as they come."""

    def __init__(self, port, path, headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.request("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        self.response = self.connection.getresponse()

    def next(self):
        fields = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line == "" and "data" in fields:
                return int(fields["id"]), json.loads(fields["data"])
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value

    def close(self):
        self.connection.close()


class Events(unittest.TestCase):
    def setUp(self):
        self.server = Server().start()
        self.addCleanup(self.server.remove)
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def fill(self, keys=3, deposits=4):
        for i in range(keys):
            self.client.command(f"k{i}", "create_account", {"accountNumber": f"k{i}", "customerId": "c"})
            for amount in range(1, deposits + 1):
                self.client.command(f"k{i}", "deposit_funds", {"amount": amount})

    def follow_links(self, path):
        pages = []
        while True:
            answer = self.client.get(path)
            page = answer.json()
            if not page:
                return pages
            pages.append(page)
            link = answer.headers["Link"]
            if link is None:
                return pages
            self.assertTrue(link.endswith('>; rel="next"'), link)
            path = link[1:link.index(">")]

    def test_events_are_cloudevents(self):
        self.fill(1, 1)
        event = self.client.get("/v1/events").json()[1]
        self.assertEqual({name: event[name] for name in ("specversion", "source", "type", "subject", "stream", "version",
                                                         "datacontenttype", "data")},
                         {"specversion": "1.0", "source": "/bank/bankaccount", "type": "funds_deposited", "subject": "k0",
                          "stream": "bankaccount/k0", "version": "2", "datacontenttype": "application/json",
                          "data": event["data"]})
        for name in ("id", "time", "position", "correlationid", "causationid", "commandid"):
            self.assertIsInstance(event[name], str)
        self.assertEqual(event["causationid"], event["commandid"])

    def test_pages_forward_and_backward_hold_every_event_once_in_order(self):
        self.fill()
        whole = self.client.get("/v1/events?limit=10000").json()
        self.assertEqual(len(whole), 15)
        for limit in (1, 2, 7, 15, 100):
            pages = self.follow_links(f"/v1/events?limit={limit}")
            self.assertEqual([event for page in pages for event in page], whole)
            self.assertTrue(all(len(page) <= limit for page in pages))
            pages = self.follow_links(f"/v1/events?limit={limit}&direction=backward")
            self.assertEqual([event for page in pages for event in page], whole[::-1])
            pages = self.follow_links(f"/v1/streams/bankaccount/k1/events?limit={limit}")
            self.assertEqual([event for page in pages for event in page],
                             [event for event in whole if event["subject"] == "k1"])
            pages = self.follow_links(f"/v1/streams/bankaccount/k1/events?limit={limit}&direction=backward")
            self.assertEqual([event for page in pages for event in page],
                             [event for event in whole if event["subject"] == "k1"][::-1])

    def test_filters_choose_by_type_in_any_spelling_and_by_category(self):
        self.fill()
        self.client.post("/v1/streams/import/x/events", {"events": [{"type": "imported", "data": 1}]})
        types = lambda query: [event["type"] for event in self.client.get(f"/v1/events?limit=100&{query}").json()]
        self.assertEqual(types("type=account_created"), ["account_created"] * 3)
        self.assertEqual(types("type=AccountCreated"), ["account_created"] * 3)
        self.assertEqual(len(types("type=account_created&type=imported")), 4)
        self.assertEqual(types("category=import"), ["imported"])
        self.assertEqual(types("category=import&type=account_created"), [])

    def test_lines_of_json(self):
        self.fill(1, 2)
        answer = self.client.get("/v1/events", {"Accept": "application/x-ndjson"})
        self.assertEqual(answer.headers["Content-Type"], "application/x-ndjson")
        lines = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual(lines, self.client.get("/v1/events").json())

    def test_a_follower_catches_up_and_goes_on_live_and_resumes(self):
        self.fill(1, 3)
        follower = Follower(self.server.port, "/v1/events")
        self.assertEqual(follower.response.headers["Content-Type"], "text/event-stream")
        seen = [follower.next() for _ in range(4)]
        self.assertEqual([event["version"] for _, event in seen], ["1", "2", "3", "4"])
        for amount in (10, 11, 12):
            started = time.monotonic()
            self.client.command("k0", "deposit_funds", {"amount": amount})
            id, event = follower.next()
            self.assertLess(time.monotonic() - started, 5)
            self.assertEqual((event["data"]["amount"], int(event["position"])), (amount, id))
        follower.close()
        again = Follower(self.server.port, "/v1/events", {"Last-Event-ID": str(seen[2][0])})
        self.assertEqual(again.next()[1]["version"], "4")
        again.close()

    def test_a_follower_of_one_stream_sees_only_it(self):
        self.fill(2, 1)
        follower = Follower(self.server.port, "/v1/streams/bankaccount/k1/events?after=1")
        self.assertEqual(follower.next()[1]["version"], "2")
        self.client.command("k0", "deposit_funds", {"amount": 1})
        self.client.command("k1", "deposit_funds", {"amount": 2})
        id, event = follower.next()
        self.assertEqual((id, event["subject"], event["version"]), (3, "k1", "3"))
        follower.close()

    def test_many_followers_and_writers_lose_nothing(self):
        self.fill(1, 0)
        followers = [Follower(self.server.port, "/v1/events") for _ in range(10)]
        seen = [[] for _ in followers]

        def read(index):
            for _ in range(201):
                seen[index].append(followers[index].next()[1])

        threads = [threading.Thread(target=read, args=(i,)) for i in range(len(followers))]
        for thread in threads:
            thread.start()
        for amount in range(200):
            self.assertEqual(self.client.command("k0", "deposit_funds", {"amount": amount + 1}).status, 200)
        for thread in threads:
            thread.join(timeout=30)
            self.assertFalse(thread.is_alive())
        for events in seen:
            self.assertEqual([event["version"] for event in events], [str(i + 1) for i in range(201)])
        for follower in followers:
            follower.close()

    def test_a_stop_ends_followers(self):
        follower = Follower(self.server.port, "/v1/events")
        self.assertEqual(self.server.stop(), 0)
        # Without a last chunk, so that nobody takes what was sent for all there is.
        with self.assertRaises(http.client.IncompleteRead) as ended:
            follower.response.read()
        self.assertEqual(ended.exception.partial, b"")
        follower.close()

    def test_external_events_in_three_forms_are_given_back_as_they_came(self):
        event = {"specversion": "1.0", "id": "e-1", "source": "https://wire.example.org/", "type": "wire_transfer_succeeded",
                 "subject": "w-1", "time": "2026-01-31T12:00:00Z", "data": {"wireTransferId": "w-1"}, "region": "eu"}
        first = self.client.post("/v1/events", event, {"Content-Type": "application/cloudevents+json"})
        self.assertEqual(first.status, 200, first)
        result = first.json()["results"][0]
        self.assertIs(result["duplicate"], False)
        again = self.client.post("/v1/events", [event, {**event, "id": "e-2"}],
                                 {"Content-Type": "application/cloudevents-batch+json"}).json()["results"]
        self.assertEqual([r["duplicate"] for r in again], [True, False])
        self.assertEqual(again[0]["position"], result["position"])
        binary = self.client.post("/v1/events", {"wireTransferId": "w-3"},
                                  {"ce-specversion": "1.0", "ce-id": "e-3", "ce-source": "https://wire.example.org/",
                                   "ce-type": "wire_transfer_failed", "ce-region": "eu%20west"})
        self.assertEqual(binary.status, 200, binary)
        stored = self.client.get("/v1/events?category=external").json()
        self.assertEqual([e["id"] for e in stored], ["e-1", "e-2", "e-3"])
        for name, value in event.items():
            self.assertEqual(stored[0][name], value, name)
        self.assertEqual(stored[2]["region"], "eu west")
        self.assertEqual(stored[2]["data"], {"wireTransferId": "w-3"})

    def test_a_direct_append_is_conditional_and_idempotent(self):
        path = "/v1/streams/legacy/order%2F7/events"
        ids = ["0190a0c0-0000-7000-8000-00000000000" + digit for digit in "12"]
        body = {"expected_version": 0, "events": [{"id": id, "type": "imported", "data": {"n": n}}
                                                  for n, id in enumerate(ids)]}
        first = self.client.post(path, body)
        self.assertEqual(first.status, 200, first)
        again = self.client.post(path, body).json()
        self.assertIs(again.pop("duplicate"), True)
        self.assertEqual(again, first.json())
        self.assertEqual(first.json()["stream"], "legacy/order/7")
        conflict = self.client.post(path, {"expected_version": 0, "events": [{"type": "x", "data": 1}]})
        self.assertEqual((conflict.status, conflict.json()["version"]), (409, 2))
        self.assertEqual([e["data"] for e in self.client.get(path).json()], [{"n": 0}, {"n": 1}])

    def test_correlation_travels_and_is_found_in_events(self):
        self.client.request("POST", "/v1/aggregates/bankaccount/k/commands",
                            {"type": "create_account", "data": {"accountNumber": "k", "customerId": "c"}, "id": "c-1"},
                            {"X-Correlation-ID": "order-9", "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
        event = self.client.get("/v1/events").json()[0]
        self.assertEqual((event["correlationid"], event["causationid"], event["commandid"]), ("order-9", "c-1", "c-1"))
        self.assertTrue(event["traceparent"].startswith("00-1"))

    def test_states_of_the_past(self):
        self.fill(1, 3)
        times = [event["time"] for event in self.client.events("k0")]
        self.assertEqual(self.client.state("k0", query="?version=2").json()["state"]["balance"], 1)
        self.assertEqual(self.client.state("k0", query=f"?time={times[2]}").json()["version"], 3)
        self.assertEqual(self.client.state("k0", query="?version=9").status, 404)
        self.assertEqual(self.client.state("k0", query="?time=2001-01-01T00:00:00Z").status, 404)

    def test_the_outcome_of_a_command_can_be_asked_for(self):
        self.client.command("k", "create_account", {"accountNumber": "k", "customerId": "c"}, id="c-1")
        answer = self.client.get("/v1/aggregates/bankaccount/k/commands/c-1").json()
        self.assertEqual((answer["outcome"], answer["version"]), ("accepted", 1))
        self.assertEqual(self.client.get("/v1/aggregates/bankaccount/k/commands/c-2").status, 404)

    def test_health_metrics_and_description(self):
        self.fill(1, 1)
        self.assertEqual(self.client.get("/livez").body, b"ok\n")
        self.assertEqual(self.client.get("/readyz").status, 200)
        self.assertEqual(self.client.get("/openapi.json").json()["openapi"], "3.1.0")
        component = self.client.get("/v1/components").json()["components"][0]
        self.assertEqual((component["name"], component["role"], len(component["digest"])), ("bankaccount", "aggregate", 64))
        text = self.client.get("/metrics").body.decode()
        self.assertIn('concordance_commands_total{outcome="accepted"} 2', text)
        for name in ("concordance_command_duration_seconds", "concordance_journal_commit", "concordance_component"):
            self.assertIn(name, text)
        types = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, types, "one TYPE line a metric")
                types[name] = kind


if __name__ == "__main__":
    unittest.main()
