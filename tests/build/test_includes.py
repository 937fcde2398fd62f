#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_includes.py - what include paths cannot enforce.

Libraries of the system lie in the compiler's own include path, so it is their names that are compared here. It also
says which SPDX line and which include guard a file has.
"""
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ.get("CONCORDANCE_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# Which folder of src/ may include a foreign library.
OWNERS = {
    r"yyjson\.h": "json",
    r"xxhash\.h": "digest",
    r"xxh3\.h": "digest",
    r"openssl/.*": "digest",
    r"uv\.h": "http",
    r"uv/.*": "http",
    r"llhttp\.h": "http",
    r"curl/.*": "http_client",
    r"yaml\.h": "yaml",
    r"wasm\.h": "host",
    r"wasi\.h": "host",
    r"wasmtime\.h": "host",
    r"wasmtime/.*": "host",
}
# Headers of libc, of POSIX and of Linux, and the compiler's own.
SYSTEM = re.compile(r"(assert|ctype|errno|inttypes|limits|math|setjmp|signal|std\w+|string|strings|time|float|locale|"
                    r"dirent|dlfcn|endian|fcntl|fnmatch|getopt|glob|netdb|poll|pthread|pwd|sched|semaphore|spawn|"
                    r"termios|unistd|threads|ucontext|malloc|sysexits|libgen|wchar|cpuid|\w+intrin)\.h|"
                    r"(sys|linux|netinet|arpa|net)/\w+\.h")


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            yield path


class IncludesTest(unittest.TestCase):
    def test_a_foreign_library_is_included_by_one_folder(self):
        wrong = []
        count = 0
        for path in sources("src"):
            module = path.relative_to(ROOT / "src").parts[0]
            for kind, name in INCLUDE.findall(path.read_text()):
                if kind != "<":
                    continue
                count += 1
                owner = next((owner for names, owner in OWNERS.items() if re.fullmatch(names, name)), None)
                if owner is None and not SYSTEM.fullmatch(name):
                    wrong.append(f"{path}: <{name}> is no known library: name its folder in {__file__}")
                elif owner is not None and owner != module:
                    wrong.append(f"{path}: <{name}> belongs to src/{owner}")
        self.assertGreater(count, 20)
        self.assertEqual(wrong, [])

    def test_own_headers_are_included_by_module_and_name(self):
        wrong = [f"{path}: \"{name}\"" for path in sources("src")
                 for kind, name in INCLUDE.findall(path.read_text())
                 if kind == '"' and not re.fullmatch(r"[a-z_]+/[a-z0-9_]+\.(h|inc)", name)]
        self.assertEqual(wrong, [])

    def test_every_file_names_its_licence_first(self):
        wrong = [str(path) for path in sources("src", "sdk/c/include", "sdk/c/src", "tests", "examples")
                 if "build" not in path.relative_to(ROOT).parts
                 if not path.read_text().startswith("/* SPDX-License-Identifier: Apache-2.0 */\n")]
        self.assertEqual(wrong, [])

    def test_a_header_is_guarded_by_its_path(self):
        wrong = []
        for path in sources("src"):
            if path.suffix == ".h":
                guard = re.sub(r"\W", "_", str(path.relative_to(ROOT / "src"))).upper()
                if f"#ifndef {guard}\n#define {guard}\n" not in path.read_text():
                    wrong.append(f"{path}: no guard {guard}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
