;; SPDX-License-Identifier: Apache-2.0
;; two_memories.wat - has two memories, each of which could grow to the limit: the limit would be none.
(component
  (core module $module (memory 1))
  (core instance (instantiate $module))
  (core instance (instantiate $module)))
