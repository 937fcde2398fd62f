# SPDX-License-Identifier: Apache-2.0
"""Bad input over HTTP: each mistake has a clear answer, nothing is stored, and the process lives on."""

import json
import socket
import unittest

from server import Server

COMMANDS = "/v1/aggregates/bankaccount/bad/commands"
DEPOSIT = {"type": "deposit_funds", "data": {"amount": 1}}


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def tearDown(self):
        """Whatever a test sent: nothing is stored, and the server serves."""
        self.assertIsNone(self.server.process.poll(), "the server is gone")
        client = self.server.client()
        self.assertEqual(client.get("/livez").status, 200)
        self.assertEqual(client.get("/v1/events").json(), [])
        client.close()

    def refused(self, answer, status, code, *words):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json()
        self.assertEqual((problem["status"], problem["code"]), (status, code), problem)
        self.assertIs(problem["stored"], False)
        for word in words:
            self.assertIn(word, problem["detail"])

    def post(self, body, path=COMMANDS, headers=None):
        return self.client.request("POST", path, body, headers)

    # ---- JSON

    def test_malformed_json_is_refused_with_its_place(self):
        for body in ("", "{", "[1,", "nonsense", '{"type":"deposit_funds","data":{"amount":01}}', "{'a':1}", '{"a":1,}',
                     '{"type":"x","data":1} trailing'):
            self.refused(self.post(body), 400, "bad_json", "byte")

    def test_what_the_edge_forbids_in_json_is_refused(self):
        deep = "[" * 65 + "]" * 65
        for data in (b'{"amount":1,"amount":2}', b'"\\u0000"', b'"\\ud800"', b'"\\udc00x"', b'"\xff"', b'"\xed\xa0\x80"',
                     b'"\xc0\xaf"', deep.encode(), b"1e999", b"-1e400", b"NaN", b"Infinity", b'"\x00"', b'"\x1f"'):
            body = b'{"type":"deposit_funds","data":' + data + b"}"
            answer = self.post(body)
            self.assertEqual((answer.status, answer.json()["code"]), (400, "bad_json"), (data, answer))

    def test_the_body_must_be_an_object_with_known_members_of_the_right_types(self):
        self.refused(self.post("[]"), 400, "bad_request", "object")
        self.refused(self.post("null"), 400, "bad_request", "object")
        self.refused(self.post({**DEPOSIT, "expected_verison": 1}), 400, "unknown_member", "expected_verison",
                     "expected_version")
        self.refused(self.post({"data": {}}), 400, "bad_request", "type")
        self.refused(self.post({"type": 1, "data": {}}), 400, "bad_request", "type")
        self.refused(self.post({"type": "deposit_funds"}), 400, "bad_request", "data")
        for version in (-1, 1.5, "1", None, True, [], 2 ** 64):
            self.refused(self.post({**DEPOSIT, "expected_version": version}), 400, "bad_request", "expected_version")
        for id in (1, None, [], {}):
            self.refused(self.post({**DEPOSIT, "id": id}), 400, "bad_request", "id")

    def test_types_ids_and_metadata_have_rules(self):
        for type in ("", "1x", "a b", "x" * 129, "ä", "a/b"):
            self.refused(self.post({"type": type, "data": {}}), 400, "bad_type")
        for id in ("", "x" * 129, "a b", "ä", "a\n", "$mine"):
            self.refused(self.post({**DEPOSIT, "id": id}), 400, "bad_id")
        self.refused(self.post(DEPOSIT, headers={"Idempotency-Key": "$mine"}), 400, "bad_id")
        self.refused(self.post({**DEPOSIT, "id": "a"}, headers={"Idempotency-Key": "b"}), 400, "bad_request")
        for metadata in ([], "x", 1, {"actor": "me"}, {"causation_id": "x"}, {"correlation_id": 1}):
            self.refused(self.post({**DEPOSIT, "metadata": metadata}), 400, "bad_metadata")

    # ---- targets

    def test_unknown_paths_and_methods(self):
        self.refused(self.client.get("/v2/events"), 404, "no_such_path")
        self.refused(self.client.get("/v1/aggregates/bankaccount"), 404, "no_such_path")
        self.refused(self.post(DEPOSIT, "/v1/aggregates/nosuch/a/commands"), 404, "no_such_aggregate", "nosuch")
        for method, path, allow in (("DELETE", COMMANDS, "POST"), ("PUT", "/v1/events", "GET, HEAD, POST"),
                                    ("POST", "/livez", "GET, HEAD"), ("PATCH", "/metrics", "GET, HEAD")):
            answer = self.client.request(method, path)
            self.refused(answer, 405, "method_not_allowed")
            self.assertEqual(answer.headers["Allow"], allow)

    def test_keys_are_split_before_decoding_and_have_rules(self):
        for key, status in (("x" * 257, 400), ("a%00b", 400), ("a%0Ab", 400), ("%FF", 400), ("a%ZZ", 400), ("%2", 400),
                            ("", 400)):
            answer = self.post(DEPOSIT, f"/v1/aggregates/bankaccount/{key}/commands")
            self.assertEqual(answer.status, status, (key, answer))
        # A slash in a key is one key, and unknown to the bank.
        answer = self.post(DEPOSIT, "/v1/aggregates/bankaccount/a%2Fb/commands")
        self.refused(answer, 422, "no_account")
        self.refused(self.post(DEPOSIT, "/v1/aggregates/bankaccount/a/b/commands"), 404, "no_such_path")
        self.refused(self.post(DEPOSIT, "/v1/aggregates/Bank/a/commands"), 400, "bad_name")

    def test_query_parameters_have_rules(self):
        self.refused(self.client.get("/v1/events?limit=0"), 400, "bad_parameter", "limit")
        self.refused(self.client.get("/v1/events?limit=10001"), 400, "bad_parameter", "limit")
        self.refused(self.client.get("/v1/events?after=-1"), 400, "bad_parameter", "after")
        self.refused(self.client.get("/v1/events?after=1x"), 400, "bad_parameter", "after")
        self.refused(self.client.get("/v1/events?nonsense=1"), 400, "unknown_parameter", "nonsense")
        self.refused(self.client.get("/v1/events?limit=1&limit=2"), 400, "bad_parameter", "twice")
        self.refused(self.client.get("/v1/events?direction=up"), 400, "bad_parameter", "direction")
        self.refused(self.client.get("/v1/events?type=a%20b"), 400, "bad_parameter", "type")
        self.refused(self.client.get("/v1/events?after=99999999"), 409, "beyond_head")
        self.refused(self.client.get("/v1/aggregates/bankaccount/a?version=x"), 400, "bad_parameter", "version")
        self.refused(self.client.get("/v1/aggregates/bankaccount/a?time=yesterday"), 400, "bad_parameter", "time")
        self.refused(self.client.get("/v1/aggregates/bankaccount/a?version=1&time=2026-01-01T00:00:00Z"), 400,
                     "bad_parameter")
        self.refused(self.post(DEPOSIT, COMMANDS + "?return=everything"), 400, "bad_parameter", "return")
        self.refused(self.client.get("/v1/events?a=%ff"), 400, "bad_target")

    # ---- headers

    def test_content_types_are_exact(self):
        for type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data", ""):
            self.refused(self.post(json.dumps(DEPOSIT), headers={"Content-Type": type}), 415, "unsupported_media_type")
        answer = self.post(json.dumps(DEPOSIT), headers={"Content-Type": "Application/JSON; charset=utf-8"})
        self.refused(answer, 422, "no_account")
        self.refused(self.post(b"{}", "/v1/events", {"Content-Type": "text/plain"}), 415, "unsupported_media_type")

    def test_foreign_pages_are_kept_out(self):
        for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "1270.0.1", "localhost.evil"):
            self.refused(self.client.get("/v1/events", {"Host": host}), 403, "host_not_allowed")
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"):
            self.refused(self.post(DEPOSIT, headers={"Origin": origin}), 403, "foreign_origin")
        own = f"127.0.0.1:{self.server.port}"
        answer = self.post(DEPOSIT, headers={"Host": own, "Origin": f"http://{own}"})
        self.refused(answer, 422, "no_account")
        self.assertEqual(self.client.get("/livez", {"Host": f"localhost:{self.server.port}"}).status, 200)
        for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Methods"):
            self.assertIsNone(answer.headers[name])

    def test_accept_is_honoured(self):
        self.refused(self.client.get("/v1/events", {"Accept": "image/png"}), 406, "not_acceptable")

    # ---- bodies on the wire

    def raw(self, text, end=True):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as connection:
            connection.sendall(text if isinstance(text, bytes) else text.encode())
            if end:
                connection.shutdown(socket.SHUT_WR)
            data = b""
            while True:
                try:
                    part = connection.recv(65536)
                except ConnectionResetError:
                    return data
                if not part:
                    return data
                data += part

    def status(self, answer):
        return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else None

    def test_a_body_over_the_limit_is_refused_before_it_is_read(self):
        head = (f"POST {COMMANDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Content-Length: 1073741824\r\n\r\n")
        self.assertEqual(self.status(self.raw(head)), 413)
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        head = (f"POST {COMMANDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Transfer-Encoding: chunked\r\n\r\n").encode()
        self.assertEqual(self.status(self.raw(head + chunk + chunk)), 413)

    def test_requests_that_two_readers_could_read_in_two_ways_are_refused(self):
        body = json.dumps(DEPOSIT)
        for headers in (f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n",
                        f"Content-Length: {len(body)}\r\nContent-Length: {len(body) + 1}\r\n",
                        "Transfer-Encoding: identity, chunked\r\nContent-Length: 1\r\n",
                        "Content-Length: -1\r\n", "Content-Length: 1x\r\n", "Content-Length: 18446744073709551617\r\n",
                        "Transfer-Encoding: gzip\r\n"):
            answer = self.raw(f"POST {COMMANDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                              f"{headers}\r\n{body}")
            self.assertIn(self.status(answer), (400, 413, 501), (headers, answer))

    def test_heads_that_break_the_rules_are_refused(self):
        for text, statuses in (("GET /livez HTTP/1.1\r\n\r\n", (400,)),
                               ("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", (400,)),
                               ("GET /livez HTTP/3.7\r\nHost: localhost\r\n\r\n", (400, 505)),
                               ("nonsense\r\n\r\n", (400, 501)),
                               ("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", (400,)),
                               ("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + "a" * 40000 + "\r\n\r\n", (431,)),
                               ("GET /" + "a" * 40000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n", (414, 431))):
            answer = self.raw(text)
            self.assertIn(self.status(answer), statuses, (text[:60], answer[:200]))

    def test_half_a_request_and_then_nothing_harms_nobody(self):
        for text in (f"POST {COMMANDS} HTTP/1.1\r\nHost: localhost\r\nContent-Le",
                     f"POST {COMMANDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Content-Length: 100\r\n\r\n{\"type\""):
            self.raw(text)

    # ---- events from outside

    def test_external_events_have_rules(self):
        good = {"specversion": "1.0", "id": "1", "source": "s", "type": "paid", "data": {}}
        for change in ({"specversion": "0.3"}, {"id": ""}, {"id": 1}, {"source": ""}, {"type": "a b"}, {"type": None},
                       {"datacontenttype": "text/plain"}, {"data_base64": "AAAA"}, {"time": "yesterday"},
                       {"source": "x" * 300}, {"source": "/bank/bankaccount"}):
            answer = self.post({**good, **change}, "/v1/events", {"Content-Type": "application/cloudevents+json"})
            self.assertEqual(answer.status, 400, (change, answer))
        batch = {"Content-Type": "application/cloudevents-batch+json"}
        self.refused(self.post([], "/v1/events", batch), 400, "bad_request")
        # One bad event in a batch: none is stored.
        answer = self.post([good, {**good, "id": "2", "type": "a b"}], "/v1/events", batch)
        self.assertEqual(answer.status, 400)
        self.assertIn("event 1", answer.json()["detail"])

    def test_direct_appends_have_rules(self):
        path = "/v1/streams/import/a/events"
        event = {"type": "imported", "data": {}}
        self.refused(self.post({"events": []}, path), 400, "bad_request")
        self.refused(self.post({"events": [event] * 1024}, path), 400, "bad_request")
        self.refused(self.post({"events": [{"type": "x"}]}, path), 400, "bad_request", "event 0", "data")
        self.refused(self.post({"events": [{**event, "id": "x"}]}, path), 400, "bad_id", "UUID")
        self.refused(self.post({"events": [{**event, "extra": 1}]}, path), 400, "unknown_member", "extra")
        id = "0190a0c0-0000-7000-8000-000000000000"
        self.refused(self.post({"events": [{**event, "id": id}, event]}, path), 400, "bad_id")
        self.refused(self.post({"events": [{**event, "id": id}, {**event, "id": id}]}, path), 400, "bad_id")
        self.refused(self.post({"events": [event]}, "/v1/streams/bankaccount/a/events"), 403, "category_owned")
        self.refused(self.post({"events": [event]}, "/v1/streams/external/a/events"), 403, "category_owned")
        self.refused(self.post({"events": [event], "expected_version": 7}, path), 409, "version_conflict")


if __name__ == "__main__":
    unittest.main()
