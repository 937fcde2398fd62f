# SPDX-License-Identifier: Apache-2.0
"""Reads frames by docs/formats.md alone and compares them with what was written.

    check_frame.py docs/formats.md < lines

Each line is {"name", "bytes": hexadecimal, "frame": its parts}. The one called "example" must also be
the bytes of the page's example. Ends with status 1 at the first difference.
"""
import json
import re
import sys

COMMAND, COMPONENT, BODY = 1, 2, 4


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        assert size <= len(self.data) - self.at, f"byte {self.at}: {size} bytes are not there"
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                assert value < 1 << 64 and (byte != 0 or shift == 0)
                return value
            shift += 7

    def text(self):
        return self.take(self.varint()).decode("utf-8")


def read_frame(data):
    reader, frame = Reader(data), {}
    assert reader.number(1) == 1
    frame["kind"] = reader.number(1)
    flags = reader.number(2)
    assert flags & ~(COMMAND | COMPONENT | BODY) == 0
    frame["time"] = reader.number(8)
    frame["number"] = reader.varint()
    frame["first_version"] = reader.varint()
    event_count = reader.varint()
    frame["category"] = reader.text()
    frame["key"] = reader.text()
    if flags & COMPONENT:
        frame["component"] = reader.take(32).hex()
    frame["command"] = {part: reader.text() if flags & COMMAND else ""
                        for part in ("id", "type", "data", "metadata")}
    frame["body"] = reader.text() if flags & BODY else ""
    frame["events"] = [{"id": reader.take(16).hex(), "type": reader.text(), "data": reader.text(),
                        "metadata": reader.text()} for _ in range(event_count)]
    assert reader.at == len(data), f"byte {reader.at}: more than the frame"
    return frame


def read_example(path):
    with open(path, encoding="utf-8") as page:
        section = re.search(r"^## Frame$(.*?)(?=^## |\Z)", page.read(), re.M | re.S).group(1)
    dump = re.search(r"```hexdump\n(.*?)```", section, re.S).group(1)
    # offset, two spaces, bytes, two spaces or more, a remark
    return bytes.fromhex("".join(re.split(r"\s{2,}", line)[1] for line in dump.splitlines()))


def main():
    count, example = 0, read_example(sys.argv[1])
    for line in sys.stdin:
        sample = json.loads(line)
        data = bytes.fromhex(sample["bytes"])
        frame = read_frame(data)
        if frame != sample["frame"]:
            sys.exit(f"{sample['name']}: read {frame}\nwritten {sample['frame']}")
        if sample["name"] == "example" and data != example:
            sys.exit(f"the page's example is not the frame:\n{example.hex()}\n{data.hex()}")
        count += 1
    if count == 0:
        sys.exit("no frames")


main()
