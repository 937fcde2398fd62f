;; SPDX-License-Identifier: Apache-2.0
;; table_bomb.wat - takes all table elements that it gets, 8 bytes each in the host, and traps when there are no more.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (global $at (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $block i32)
    (local.set $block (global.get $at))
    (global.set $at
      (i32.and (i32.add (i32.add (global.get $at) (local.get 3)) (i32.const 15)) (i32.const -16)))
    (local.get $block))
  (func (export "concordance:app/aggregate@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32)
    (loop $more
      (br_if $more
        (i32.ne (table.grow $table (ref.null func) (i32.const 65536)) (i32.const -1))))
    (unreachable))
  (func (export "concordance:app/aggregate@0.1.0#apply") (param i32 i32 i32 i32) (result i32)
    (unreachable)))
