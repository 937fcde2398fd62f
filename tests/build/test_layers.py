#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_layers.py - the build enforces the module rule.

A small tree that includes cmake/Modules.cmake is configured and built for each claim: what is allowed must work,
and each breach must fail, for the reason meant.

Environment: CONCORDANCE_SOURCE_DIR, and CC (the compiler to try with).
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("CONCORDANCE_SOURCE_DIR", pathlib.Path(__file__).parents[2]))

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(layers LANGUAGES C)
find_package(Threads REQUIRED)
include({root}/cmake/Warnings.cmake)
include({root}/cmake/Modules.cmake)
{modules}
"""

MODULES = """
add_module(base LAYER 0)
add_module(model LAYER 1 USES base)
add_module(store LAYER 2 USES base model)
add_module(engine LAYER 3 USES base store)
add_module(runtime LAYER 3 USES base store)
"""


def source(*includes, body=""):
    return "".join(f'#include "{name}"\n' for name in includes) + body


class LayersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for module in ("base", "model", "store", "engine", "runtime"):
            self.write(module, f"{module}.h", f"int {module}_answer(void);\n")
            self.write(module, f"{module}.c",
                       source(f"{module}/{module}.h", body=f"int {module}_answer(void)\n{{\n\treturn 1;\n}}\n"))
        banned = (ROOT / "src/base/banned.h").read_text()
        self.write("base", "banned.h", banned)

    def write(self, module, name, text):
        path = self.root / "src" / module / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_command(self, *command):
        done = subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    def configure(self, modules=MODULES):
        (self.root / "CMakeLists.txt").write_text(PROJECT.format(root=ROOT, modules=modules))
        return self.run_command("cmake", "-S", ".", "-B", "out", "-G", "Ninja")

    def build(self, modules=MODULES):
        code, output = self.configure(modules)
        self.assertEqual(code, 0, output)
        return self.run_command("cmake", "--build", "out")

    def assert_fails(self, result, *words):
        code, output = result
        self.assertNotEqual(code, 0, output)
        for word in words:
            self.assertIn(word, " ".join(output.split()))

    def test_a_module_includes_itself_and_what_it_uses(self):
        self.write("store", "more.c", source("store/store.h", "model/model.h", "base/base.h"))
        code, output = self.build()
        self.assertEqual(code, 0, output)

    def test_an_upward_include_does_not_compile(self):
        self.write("store", "more.c", source("runtime/runtime.h"))
        self.assert_fails(self.build(), "fatal error: ", "runtime/runtime.h")

    def test_a_sibling_include_does_not_compile(self):
        self.write("engine", "more.c", source("runtime/runtime.h"))
        self.assert_fails(self.build(), "fatal error: ", "runtime/runtime.h")

    def test_an_include_of_what_is_used_only_indirectly_does_not_compile(self):
        self.write("engine", "more.c", source("model/model.h"))
        self.assert_fails(self.build(), "fatal error: ", "model/model.h")

    def test_using_a_module_of_the_own_layer_stops_the_configuration(self):
        self.assert_fails(self.configure(MODULES.replace("runtime LAYER 3 USES base store",
                                                         "runtime LAYER 3 USES base engine")),
                          "module 'runtime' of layer 3 uses 'engine' of layer 3")

    def test_using_a_module_of_a_higher_layer_stops_the_configuration(self):
        self.assert_fails(self.configure(MODULES + "add_module(late LAYER 1 USES store)\n"),
                          "module 'late' of layer 1 uses 'store' of layer 2")

    def test_using_what_is_no_module_stops_the_configuration(self):
        self.assert_fails(self.configure(MODULES + "add_module(late LAYER 5 USES stoer)\n"),
                          "uses 'stoer', which is no module")

    def test_a_banned_function_does_not_compile(self):
        self.write("model", "more.c",
                   "#include <string.h>\nvoid model_copy(char *to, const char *from);\n"
                   "void model_copy(char *to, const char *from)\n{\n\tstrcpy(to, from);\n}\n")
        self.assert_fails(self.build(), "banned_strcpy")


if __name__ == "__main__":
    unittest.main(verbosity=2)
