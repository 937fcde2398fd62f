;; SPDX-License-Identifier: Apache-2.0
;; core_module.wat - valid WebAssembly, but a plain module and no component.
(module
  (memory (export "memory") 1)
  (func (export "handle") (result i32) (i32.const 0)))
