;; SPDX-License-Identifier: Apache-2.0
;; no_exports.wat - a valid component that plays no role.
(component)
