-- Posts the image that IMAGE names, again and again, and counts the statuses.
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  local file = assert(io.open(os.getenv("IMAGE"), "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  wrk.headers["Content-Type"] = "image/png"
  ok, busy, other = 0, 0, 0
end

function response(status)
  if status == 200 then ok = ok + 1 elseif status == 503 then busy = busy + 1 else other = other + 1 end
end

function done(summary, latency)
  local ok, busy, other = 0, 0, 0
  for _, thread in ipairs(threads) do
    ok = ok + thread:get("ok")
    busy = busy + thread:get("busy")
    other = other + thread:get("other")
  end
  local errors = summary.errors
  print(string.format(
    "RESULT seconds=%.3f ok=%d busy=%d other=%d connect=%d read=%d write=%d timeout=%d p50=%.1f p99=%.1f",
    summary.duration / 1e6, ok, busy, other, errors.connect, errors.read, errors.write, errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
