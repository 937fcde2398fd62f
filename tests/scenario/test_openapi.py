# SPDX-License-Identifier: Apache-2.0
"""openapi.json says what the server does, and all that it does.

Each request below, good or bad, is sent to a real server; path, method, status, media type and
the members of the answer must be as the description that the same server serves declares them.
The other way round, every documented operation, and every status that a test can bring about,
is exercised. What a client may send is checked against the description as well."""

import json
import os
import re
import tempfile
import unittest

from server import BANK, Server

COMMANDS = "/v1/aggregates/bankaccount/{}/commands"
CREATE = {"type": "create_account", "data": {"accountNumber": "k1", "customerId": "c"}}
DEPOSIT = {"type": "deposit_funds", "data": {"amount": 5}}
UUID = "01890000-0000-7000-8000-000000000001"
EVENT = {"specversion": "1.0", "id": "1", "source": "https://wire.example/x", "type": "wire_succeeded", "data": {"n": 1}}

# Statuses that need a broken component, no memory, or a full disk, which the tests of single modules bring about.
BEYOND_BLACK_BOX = {"500", "503", "507"}
# Answers of the HTTP layer to any request, which a description does not repeat for each operation.
EVERYWHERE = {404: "no_such_path", 405: "method_not_allowed"}


class Schemas:
    """Checks values against JSON schemas of the kinds that the description uses."""

    KNOWN = {"$ref", "type", "required", "properties", "additionalProperties", "enum", "const", "pattern", "items", "oneOf",
             "allOf", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "format", "description",
             "default", "examples", "title"}
    TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    FORMATS = {"uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
               "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"}

    def __init__(self, document):
        self.document = document

    def resolve(self, value):
        while "$ref" in value:
            target = self.document
            for name in value["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            value = target
        return value

    def problems(self, value, schema, place="$"):
        """What is wrong, as a list of texts; empty when nothing is."""
        unknown = set(schema) - self.KNOWN
        if unknown:
            raise AssertionError(f"{place}: this checker does not know {unknown}")
        if "$ref" in schema:
            return self.problems(value, self.resolve(schema), place)
        found = []
        if "type" in schema and not self.is_type(value, schema["type"]):
            return [f"{place}: {value!r} is no {schema['type']}"]
        if "const" in schema and value != schema["const"]:
            found.append(f"{place}: {value!r} is not {schema['const']!r}")
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{place}: {value!r} is none of {schema['enum']}")
        for part in schema.get("allOf", []):
            found += self.problems(value, part, place)
        if "oneOf" in schema:
            fitting = [part for part in schema["oneOf"] if not self.problems(value, part, place)]
            if len(fitting) != 1:
                found.append(f"{place}: {value!r} fits {len(fitting)} of oneOf")
        if isinstance(value, str):
            found += self.string_problems(value, schema, place)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                found.append(f"{place}: {value} is out of bounds")
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                found.append(f"{place}: {len(value)} items")
            for i, item in enumerate(value if "items" in schema else []):
                found += self.problems(item, schema["items"], f"{place}/{i}")
        if isinstance(value, dict):
            found += self.object_problems(value, schema, place)
        return found

    def is_type(self, value, name):
        if name == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if name == "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        return isinstance(value, self.TYPES[name])

    def string_problems(self, value, schema, place):
        found = []
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{place}: {value!r} does not match {schema['pattern']}")
        if "format" in schema and not re.fullmatch(self.FORMATS[schema["format"]], value):
            found.append(f"{place}: {value!r} is no {schema['format']}")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            found.append(f"{place}: {len(value)} characters")
        return found

    def object_problems(self, value, schema, place):
        properties = schema.get("properties", {})
        found = [f"{place}: no member '{name}'" for name in schema.get("required", []) if name not in value]
        for name, member in value.items():
            if name in properties:
                found += self.problems(member, properties[name], f"{place}/{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{place}: unknown member '{name}'")
        return found

    def members(self, schema):
        """All members that a schema names, those of its parts included."""
        schema = self.resolve(schema)
        names = set(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            names |= self.members(part)
        return names


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()
        client = cls.server.client()
        answer = client.get("/openapi.json")
        client.close()
        cls.document = answer.json()
        cls.schemas = Schemas(cls.document)
        cls.seen = set()  # (method, path template, status)
        cls.request_types = set()  # (method, path template, media type)

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    # ---- the description

    def template_of(self, path):
        segments = path.split("?")[0].split("/")
        for template in self.document["paths"]:
            parts = template.split("/")
            if len(parts) == len(segments) and all(p.startswith("{") or p == s for p, s in zip(parts, segments)):
                return template
        return None

    def operations(self):
        for template, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in ("get", "post", "put", "delete", "patch"):
                    yield template, method, operation, item.get("parameters", []) + operation.get("parameters", [])

    def check(self, method, path, answer, code=None):
        """The answer is one that the description declares for this operation."""
        template = self.template_of(path)
        if EVERYWHERE.get(answer.status) == code and code is not None:
            schema = {"$ref": "#/components/schemas/Problem"}
            self.assertEqual(self.schemas.problems(answer.json(), schema), [])
            self.assertEqual(answer.json()["code"], code)
            return answer
        self.assertIsNotNone(template, f"{path} is not documented")
        operation = self.document["paths"][template][method.lower()]
        place = f"{method} {path} -> {answer.status}"
        self.assertIn(str(answer.status), operation["responses"], f"{place} is not documented: {answer}")
        response = self.schemas.resolve(operation["responses"][str(answer.status)])
        media = (answer.headers["Content-Type"] or "").split(";")[0]
        self.assertIn(media, response["content"], f"{place} of type {media}")
        schema = response["content"][media]["schema"]
        self.seen.add((method.lower(), template, str(answer.status)))
        if not media.endswith("json") or media == "application/x-ndjson":
            self.assertEqual(self.schemas.problems(answer.body.decode(), schema), [], place)
            return answer
        body = answer.json()
        self.assertEqual(self.schemas.problems(body, schema), [], place)
        if isinstance(body, dict) and self.schemas.members(schema):
            self.assertLessEqual(set(body), self.schemas.members(schema), f"{place} has undocumented members")
        for name, header in response.get("headers", {}).items():
            if header.get("required"):
                self.assertIsNotNone(answer.headers[name], f"{place} without {name}")
        if code is not None:
            self.assertEqual(body["code"], code, place)
        if answer.status >= 400:
            self.assertEqual(body["status"], answer.status)
            self.assertIs(body["stored"], False, place)
        return answer

    def get(self, path, status=200, code=None, headers=None):
        answer = self.client.get(path, headers)
        self.assertEqual(answer.status, status, (path, answer))
        return self.check("GET", path, answer, code)

    def post(self, path, body, status=200, code=None, headers=None):
        answer = self.client.post(path, body, headers)
        self.assertEqual(answer.status, status, (path, answer))
        self.check_request(path, body, headers, status)
        return self.check("POST", path, answer, code)

    def check_request(self, path, body, headers, status):
        """What was accepted is what the description lets a client send."""
        template = self.template_of(path)
        if status != 200:
            return
        media = (headers or {}).get("Content-Type", "application/json").split(";")[0]
        content = self.document["paths"][template]["post"]["requestBody"]["content"]
        self.assertIn(media, content)
        self.assertEqual(self.schemas.problems(body, content[media]["schema"]), [], path)
        self.request_types.add(("post", template, media))

    # ---- the document itself

    def test_the_document_is_whole(self):
        self.assertEqual(self.document["openapi"], "3.1.0")
        ids = [operation["operationId"] for _, _, operation, _ in self.operations()]
        self.assertEqual(len(ids), len(set(ids)))
        for template, _, operation, parameters in self.operations():
            names = {(p["in"], p["name"]) for p in map(self.schemas.resolve, parameters)}
            self.assertEqual({name for where, name in names if where == "path"}, set(re.findall(r"\{(\w+)\}", template)))
            self.assertTrue(operation["summary"] and operation["tags"])
            for response in map(self.schemas.resolve, operation["responses"].values()):
                self.assertTrue(response["description"])
                for content in response["content"].values():
                    self.schemas.problems(None, self.schemas.resolve(content["schema"]))

    def test_all_references_lead_somewhere_and_all_parts_are_used(self):
        used = set()

        def walk(value):
            if isinstance(value, dict):
                if isinstance(value.get("$ref"), str):
                    used.add(value["$ref"])
                    self.schemas.resolve(value)
                for part in value.values():
                    walk(part)
            elif isinstance(value, list):
                for part in value:
                    walk(part)

        walk(self.document)
        parts = {f"#/components/{kind}/{name}" for kind, all in self.document["components"].items() for name in all}
        self.assertEqual(parts - used, set())

    def test_the_checker_says_no(self):
        command = {"$ref": "#/components/schemas/Command"}
        self.assertEqual(self.schemas.problems(CREATE, command), [])
        for wrong in (1, {}, {"type": "a"}, {"type": 1, "data": 1}, {"type": "a b", "data": 1}, {**CREATE, "x": 1},
                      {**CREATE, "expected_version": -1}, {**CREATE, "expected_version": True}, {**CREATE, "id": "$1"},
                      {**CREATE, "id": "a b"}, {**CREATE, "metadata": []}):
            self.assertNotEqual(self.schemas.problems(wrong, command), [], wrong)
        accepted = {"$ref": "#/components/schemas/Accepted"}
        for wrong in ({}, {"outcome": "rejected"}, {"outcome": "accepted", "id": "1", "stream": "a/b", "version": 1,
                                                    "position": "1", "events": []}):
            self.assertNotEqual(self.schemas.problems(wrong, accepted), [], wrong)

    # ---- the operations, good and bad

    def exercise_commands(self):
        path = COMMANDS.format("k1")
        self.post(path, {**CREATE, "id": "c-1", "expected_version": 0, "metadata": {"correlation_id": "x", "mine": 1}})
        self.post(path, {**CREATE, "id": "c-1"}, headers={"Idempotency-Key": "c-1"})
        self.post(path + "?return=state", DEPOSIT, headers={"X-Correlation-ID": "x", "traceparent": "00-1"})
        self.post(path, {"type": "withdraw_funds", "data": {"amount": 10 ** 9}}, 422)
        self.post(path, {**DEPOSIT, "id": "c-1"}, 409, "id_reused")
        self.post(path, {**DEPOSIT, "expected_version": 0}, 409, "version_conflict")
        self.post(path, {"type": "a b", "data": 1}, 400, "bad_type")
        self.post(path, {**DEPOSIT, "x": 1}, 400, "unknown_member")
        self.post(path, DEPOSIT, 403, "host_not_allowed", {"Host": "evil.example"})
        self.post(path, DEPOSIT, 403, "foreign_origin", {"Origin": "http://evil.example"})
        self.post(path, DEPOSIT, 415, "unsupported_media_type", {"Content-Type": "text/plain"})
        self.post("/v1/aggregates/nobody/k1/commands", DEPOSIT, 404, "no_such_aggregate")
        # The frame around it makes it too large to be stored, or its own size to be read.
        self.post(path, {"type": "deposit_funds", "data": "x" * (1 << 20)}, 413)
        self.client = self.server.client()
        self.addCleanup(self.client.close)
        self.get(path + "/c-1")
        self.get(path + "/unknown", 404, "not_found")
        self.get(path + "/a%20b", 400, "bad_id")
        self.get(path + "/c-1", 403, "host_not_allowed", {"Host": "evil.example"})
        self.check("GET", path, self.client.get(path), "method_not_allowed")

    def exercise_states(self):
        path = "/v1/aggregates/bankaccount/k1"
        for query in ("", "?version=1", "?time=2999-01-01T00:00:00Z"):
            self.get(path + query)
        self.get("/v1/aggregates/bankaccount/nobody", 404, "not_found")
        self.get("/v1/aggregates/nobody/k", 404, "no_such_aggregate")
        self.get(path + "?version=0", 400, "bad_parameter")
        self.get(path, 403, "foreign_origin", {"Origin": "null"})

    def exercise_appends(self):
        path = "/v1/streams/imported/k/events"
        body = {"events": [{"id": UUID, "type": "Imported", "data": None, "metadata": {"a": 1}}], "expected_version": 0}
        self.post(path, body)
        self.assertIs(self.post(path, body).json()["duplicate"], True)
        self.post(path, {"events": [{"type": "a", "data": 1}] * 3})
        self.post(path, {"events": [{"id": UUID, "type": "other", "data": None}]}, 409, "id_reused")
        self.post(path, {"events": [{"type": "a", "data": 1}], "expected_version": 9}, 409, "version_conflict")
        self.post(path, {"events": []}, 400, "bad_request")
        self.post(path, body, 415, None, {"Content-Type": "application/xml"})
        self.post(path, {"events": [{"type": "a", "data": "x" * 1030000}]}, 413, "too_large")
        self.post("/v1/streams/bankaccount/k/events", body, 403, "category_owned")

    def exercise_external_events(self):
        path = "/v1/events"
        structured = {"Content-Type": "application/cloudevents+json"}
        batch = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
        self.post(path, EVENT, headers=structured)
        self.post(path, {**EVENT, "subject": "s", "time": "2026-01-01T00:00:00Z", "correlationid": "c", "traceparent": "t",
                         "datacontenttype": "application/json", "own": 7, "id": "2"}, headers=structured)
        self.post(path, [EVENT, {**EVENT, "id": "3"}], headers=batch)
        self.post(path, {"n": 1}, headers={"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "4",
                                           "ce-source": "/wire/%C3%A4", "ce-type": "wire_succeeded"})
        self.post(path, {**EVENT, "id": ""}, 400, "bad_event", structured)
        self.post(path, [], 400, "bad_request", batch)
        self.post(path, EVENT, 415, "unsupported_media_type")
        self.post(path, EVENT, 403, "foreign_origin", {**structured, "Origin": "http://evil.example"})
        self.post(path, {**EVENT, "id": "5", "data": "x" * 1040000}, 413, None, structured)
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def exercise_unwanted_events(self):
        """The same bank, without `external: {accept: any}`."""
        with tempfile.TemporaryDirectory() as directory:
            manifest = os.path.join(directory, "concordance.yaml")
            with open(manifest, "w") as file:
                file.write("concordance: 1\napplication: bank\ncomponents:\n  - role: aggregate\n    name: bankaccount\n"
                           f"    component: {os.path.abspath(BANK)}/build/bankaccount.wasm\n")
            with Server(manifest, arguments=["--ephemeral"]) as server:
                client = server.client()
                headers = {"Content-Type": "application/cloudevents+json"}
                answer = client.post("/v1/events", EVENT, headers)
                client.close()
        self.assertEqual(answer.status, 422)
        self.check("POST", "/v1/events", answer, "no_interest")

    def exercise_lists(self):
        for path in ("/v1/events", "/v1/streams/bankaccount/k1/events", "/v1/streams/external/https%3A%2F%2Fwire.example%2Fx/events"):
            for query in ("", "?limit=1", "?direction=backward&limit=2", "?after=1&type=a&type=Imported"):
                self.get(path + query)
                self.get(path + query, headers={"Accept": "application/x-ndjson"})
            self.get(path + "?after=-1", 400, "bad_parameter")
            self.get(path, 406, "not_acceptable", {"Accept": "text/html"})
            self.get(path, 403, "host_not_allowed", {"Host": "evil.example"})
            self.follow(path)
        self.get("/v1/events?category=imported")
        self.get("/v1/events?after=18446744073709551615", 409, "beyond_head")

    def follow(self, path):
        """A stream's events are CloudEvents, with ids to come back to."""
        client = self.server.client()
        self.addCleanup(client.close)
        client.connection.request("GET", path, headers={"Accept": "text/event-stream", "Last-Event-ID": "0"})
        response = client.connection.getresponse()
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "text/event-stream"))
        fields = {}
        while (line := response.readline().decode().rstrip("\n")) != "":
            name, _, value = line.partition(": ")
            fields[name] = value
        self.assertRegex(fields["id"], "^[0-9]+$")
        event = json.loads(fields["data"])
        self.assertEqual(self.schemas.problems(event, {"$ref": "#/components/schemas/CloudEvent"}), [])

    def exercise_operations(self):
        for path in ("/", "/v1/components", "/livez", "/readyz", "/metrics", "/openapi.json"):
            self.get(path)
            self.get(path, 403, "host_not_allowed", {"Host": "evil.example"})
            self.check("POST", path, self.client.post(path, {}), "method_not_allowed")
        self.get("/?x=1", 400, "unknown_parameter")
        self.get("/v1/components?x=1", 400, "unknown_parameter")
        self.check("GET", "/nothing", self.client.get("/nothing"), "no_such_path")

    def statuses(self):
        """(method, template, status) of all that is documented and can be brought about from outside."""
        return {(method, template, status) for template, method, operation, _ in self.operations()
                for status in operation["responses"] if status not in BEYOND_BLACK_BOX}

    def test_every_documented_answer_is_given_and_every_given_answer_is_documented(self):
        self.exercise_commands()
        self.exercise_states()
        self.exercise_appends()
        self.exercise_external_events()
        self.exercise_unwanted_events()
        self.exercise_lists()
        self.exercise_operations()
        self.assertEqual(self.statuses() - self.seen, set())
        wanted = {("post", template, media) for template, method, operation, _ in self.operations() if method == "post"
                  for media in operation["requestBody"]["content"]}
        self.assertEqual(wanted - self.request_types, set())

    def test_answers_name_no_path_outside_the_description(self):
        index = self.get("/").json()
        self.assertEqual(index["openapi"], "/openapi.json")
        link = self.get("/v1/events?limit=1").headers["Link"]
        self.assertIsNotNone(self.template_of(re.match("<([^>]*)>; rel=\"next\"$", link).group(1)))


if __name__ == "__main__":
    unittest.main()
