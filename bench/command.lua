-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends: deposits with 256 bytes of data, to one account of many, or to one alone.
--   wrk -s command.lua URL -- STREAMS
local streams = 1
local counter = 0
local body

function setup(thread)
  counter = counter + 1
  thread:set("seed", counter)
end

function init(args)
  streams = tonumber(args[1])
  math.randomseed(seed * 7919 + os.time())
  local data = '{"amount":1,"note":"'
  data = data .. string.rep("x", 256 - #data - 2) .. '"}'
  body = '{"type":"deposit_funds","data":' .. data .. '}'
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  return wrk.format("POST", "/v1/aggregates/bankaccount/a" .. math.random(streams) .. "/commands", nil, body)
end

function done(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
      + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
                         latency:percentile(99), latency:percentile(99.9), bad))
end
