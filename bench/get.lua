-- SPDX-License-Identifier: Apache-2.0
-- A plain GET, with the same result line as command.lua.
function done(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
      + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
                         latency:percentile(99), latency:percentile(99.9), bad))
end
