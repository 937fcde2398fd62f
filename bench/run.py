#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figures, all in one run on one machine: durable commands over HTTP beside Redis' XADD with
`appendfsync always` and beside the same server's GET /livez; memory, start, restart with many events.

Rounds are interleaved: each round measures every case once, so that a machine whose speed drifts
slows all of them. Medians over rounds are printed, and ratios of what was measured in one round.

  python3 bench/run.py [--rounds 5] [--seconds 3] [--clients 1,16,64,256] [--events 1000000]
                       [--markdown FILE] [--only commands,idle,restart,sizes,parts]
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "scenario"))
os.environ.setdefault("CONCORDANCE_BINARY", os.path.join(ROOT, "build", "concordance"))
os.environ.setdefault("BANK_DIR", os.path.join(ROOT, "examples", "bank"))
from server import BINARY, Server  # noqa: E402

STREAMS = 10000
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def written_bytes(server):
    """What the journal has written: commits with their padding. (/proc/PID/io counts whole large folios of the page cache
    for each write, so it says 250 times as much as reaches the device.)"""
    client = server.client()
    text = client.get("/metrics").body.decode()
    client.close()
    return int(re.search(r"^concordance_journal_written_bytes_total (\d+)", text, re.M).group(1))


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M).group(1))


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*: (.*)", file.read(), re.M)
    return (f"{os.cpu_count()} x {model.group(1) if model else platform.machine()}, {platform.system()} "
            f"{platform.release().split('-')[0]}")


def wrk(script, url, clients, seconds, *arguments):
    """(requests/s, p50, p99, p99.9 in ms) as wrk sees them."""
    command = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds}s", "--timeout", "30s", "-s",
               os.path.join(ROOT, "bench", script), url, "--", *map(str, arguments)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, us, p50, p99, p999, bad = map(int, re.search(r"^RESULT (.*)", output, re.M).group(1).split())
    if bad:
        sys.exit(f"bench: {bad} of {requests} requests failed: {' '.join(command)}\n{output}")
    return {"rate": requests / us * 1e6, "p50": p50 / 1000, "p99": p99 / 1000, "p999": p999 / 1000, "count": requests}


class Redis:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="concordance-bench-redis-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.directory, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"],
            stdout=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("bench: redis-server does not answer")

    def xadd(self, clients, seconds, streams, guess):
        """redis-benchmark takes a number of requests, not a time: enough for about `seconds`."""
        key = "a:__rand_int__" if streams > 1 else "a"
        command = ["redis-benchmark", "-p", str(self.port), "-c", str(clients), "-n", str(max(1000, int(guess * seconds))),
                   "-r", str(streams), "XADD", key, "*", "d", "x" * 256]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        result = {"rate": float(re.search(r"throughput summary: ([0-9.]+)", output).group(1))}
        rows = [(float(percent), float(ms)) for percent, ms in
                re.findall(r"^([0-9.]+)% <= ([0-9.]+) milliseconds", output, re.M)]
        for name, wanted in (("p50", 50), ("p99", 99), ("p999", 99.9)):
            result[name] = next((ms for percent, ms in rows if percent >= wanted), rows[-1][1])
        return result

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def fill(server, count):
    """Opens the accounts, several at a time."""
    def work(first):
        client = server.client()
        for i in range(first, count + 1, 16):
            answer = client.command(f"a{i}", "create_account", {"accountNumber": f"a{i}", "customerId": "bench"})
            if answer.status != 200:
                sys.exit(f"bench: {answer}")
        client.close()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def median(rounds, *path):
    values = []
    for value in rounds:
        for name in path:
            value = value[name]
        values.append(value)
    return statistics.median(values)


def commands(options, out):
    server = Server().start()
    redis = Redis()
    url = f"http://127.0.0.1:{server.port}"
    rounds = []
    try:
        fill(server, STREAMS)
        guess = {}
        for number in range(options.rounds + 1):
            result = {}
            for clients in options.clients:
                case = {}
                pid = server.process.pid
                cpu, written = cpu_seconds(pid), written_bytes(server)
                case["many"] = wrk("command.lua", url, clients, options.seconds, STREAMS)
                case["cpu_us"] = (cpu_seconds(pid) - cpu) / case["many"]["count"] * 1e6
                case["bytes"] = (written_bytes(server) - written) / case["many"]["count"]
                case["redis"] = redis.xadd(clients, options.seconds, STREAMS, guess.get(clients, 5000))
                guess[clients] = case["redis"]["rate"]
                case["hot"] = wrk("command.lua", url, clients, options.seconds, 1)
                case["livez"] = wrk("get.lua", url + "/livez", clients, options.seconds)
                result[clients] = case
            if number:  # the first round warms up
                rounds.append(result)
                print(f"  round {number} of {options.rounds} done", file=sys.stderr)
        for clients in options.clients:
            for case, name in (("many", f"commands, {STREAMS:,} streams"), ("hot", "commands, one stream"),
                               ("redis", f"Redis XADD always, {STREAMS:,} streams"), ("livez", "GET /livez")):
                out.row("commands", [clients, name, f"{median(rounds, clients, case, 'rate'):,.0f}",
                                     *(f"{median(rounds, clients, case, p):.2f}" for p in ("p50", "p99", "p999")),
                                     f"{median(rounds, clients, 'cpu_us'):.1f}" if case == "many" else "",
                                     f"{median(rounds, clients, 'bytes'):,.0f}" if case == "many" else ""])
            ratios = [r[clients]["many"]["rate"] / r[clients]["redis"]["rate"] for r in rounds]
            out.row("ratios", [clients, f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}", f"{max(ratios):.2f}"])
    finally:
        redis.close()
        server.remove()


def idle(options, out):
    starts, memory, cpu = [], [], []
    server = Server()
    try:
        server.start()
        server.stop()  # the code is compiled now
        for _ in range(options.rounds):
            begin = time.monotonic()
            server.start()
            starts.append((time.monotonic() - begin) * 1000)
            time.sleep(1)
            before = cpu_seconds(server.process.pid)
            time.sleep(2)
            cpu.append((cpu_seconds(server.process.pid) - before) / 2 * 100)
            memory.append(resident_kib(server.process.pid) / 1024)
            server.stop()
    finally:
        server.remove()
    out.row("idle", ["start, code compiled before", f"{statistics.median(starts):.0f} ms"])
    out.row("idle", ["resident memory, idle, bank loaded", f"{statistics.median(memory):.1f} MB"])
    out.row("idle", ["processor, idle", f"{statistics.median(cpu):.2f} %"])


def restart(options, out):
    server = Server()
    try:
        server.start()
        fill(server, STREAMS)
        url = f"http://127.0.0.1:{server.port}"
        client = server.client()
        while True:
            text = client.get("/metrics").body.decode()
            stored = int(re.search(r'^concordance_commands_total{outcome="accepted"} (\d+)', text, re.M).group(1))
            if stored >= options.events:
                break
            wrk("command.lua", url, 256, 5, STREAMS)
        client.close()
        server.kill()
        size = sum(os.path.getsize(os.path.join(server.data, name)) for name in os.listdir(server.data))
        times = []
        for _ in range(options.rounds):
            begin = time.monotonic()
            server.start()
            times.append(time.monotonic() - begin)
            memory = resident_kib(server.process.pid) / 1024
            server.kill()
        seconds = statistics.median(times)
        out.row("restart", [f"{stored:,} events, {size / 1e6:,.0f} MB", f"{seconds:.2f} s", f"{stored / seconds:,.0f} events/s",
                            f"{memory:.0f} MB"])
    finally:
        server.remove()


def parts(options, out):
    """The benchmarks of single parts, as they print themselves."""
    build = os.path.dirname(BINARY)
    bank = os.path.join(ROOT, "examples", "bank", "build", "bankaccount.wasm")
    with tempfile.TemporaryDirectory(prefix="concordance-bench-") as directory:
        for name, arguments in (("bench_component", [os.path.join(build, "tests", "guests", "echo.wasm")]),
                                ("bench_component", [bank]), ("bench_journal", [directory]), ("bench_http", [])):
            result = subprocess.run([os.path.join(build, "bench", name), *arguments], capture_output=True, text=True)
            if result.returncode:
                sys.exit(f"bench: {name} failed: {result.stderr}")
            out.text_of(" ".join([name, *(os.path.basename(a) for a in arguments if a != directory)]),
                        result.stdout.strip())


def sizes(options, out):
    library = os.path.join(os.path.dirname(BINARY), "libwasmtime.so")
    for name, path in (("build/concordance", BINARY), ("libwasmtime.so", library),
                       ("bankaccount.wasm", os.path.join(ROOT, "examples", "bank", "build", "bankaccount.wasm"))):
        if os.path.exists(path):
            out.row("sizes", [name, f"{os.path.getsize(path) / 1024:,.0f} KiB"])


class Output:
    heads = {
        "commands": ["clients", "what", "per second", "p50 ms", "p99 ms", "p99.9 ms", "CPU µs each", "bytes written each"],
        "ratios": ["clients", "commands / Redis XADD, median", "lowest round", "highest round"],
        "idle": ["what", "median"],
        "restart": ["log", "time", "rate", "resident after"],
        "sizes": ["file", "size"],
    }

    def __init__(self):
        self.tables = {}
        self.parts = []

    def text_of(self, name, text):
        self.parts += [f"{name}:", "", "```", text, "```", ""]

    def row(self, table, cells):
        self.tables.setdefault(table, []).append([str(cell) for cell in cells])

    def text(self):
        lines = []
        for name, rows in self.tables.items():
            rows = [self.heads[name]] + rows
            widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
            for number, row in enumerate(rows):
                lines.append("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
                if number == 0:
                    lines.append("|" + "|".join("-" * (width + 2) for width in widths) + "|")
            lines.append("")
        return "\n".join(lines + self.parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--clients", type=lambda text: [int(n) for n in text.split(",")], default=[1, 16, 64, 256])
    parser.add_argument("--events", type=int, default=1000000)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["sizes", "idle", "commands", "restart", "parts"])
    parser.add_argument("--markdown", help="also write the tables to this file")
    options = parser.parse_args()
    for tool in ("wrk", "redis-server", "redis-benchmark"):
        if shutil.which(tool) is None:
            sys.exit(f"bench: '{tool}' is missing: `tools/setup --bench` installs it")
    out = Output()
    head = f"{machine()}; {options.rounds} rounds of {options.seconds} s, medians; {time.strftime('%Y-%m-%d')}"
    print(head, flush=True)
    for name in options.only:
        {"commands": commands, "idle": idle, "restart": restart, "sizes": sizes, "parts": parts}[name](options, out)
    print(out.text())
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write(head + "\n\n" + out.text())


if __name__ == "__main__":
    main()
