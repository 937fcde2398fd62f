;; SPDX-License-Identifier: Apache-2.0
;; wants_memory64.wat - uses a feature that is switched off because its limits can't be kept.
(component
  (core module $module (memory i64 1))
  (core instance (instantiate $module)))
