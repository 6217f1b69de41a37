-- queues: reads how many jobs wait in some queues, and the leases of their runners.
--
-- KEYS  queue low delay paused lease parked of every queue
-- ARGV  none
-- reply OK  JSON list with a list for every queue: jobs in it, delayed ones, 1 when it is paused, parked ones, then
--           instances and the ends of their leases in turn. A key that holds a foreign value counts as empty

local function size(key, want, command)
  return type_of(key) == want and call(command, key) or 0
end

local queues = {}
for n = 1, #KEYS, 6 do
  local queued = size(KEYS[n], 'list', 'LLEN') + size(KEYS[n + 1], 'list', 'LLEN')
  local queue = { queued, size(KEYS[n + 2], 'zset', 'ZCARD'), call('EXISTS', KEYS[n + 3]),
    size(KEYS[n + 5], 'zset', 'ZCARD') }
  local leases = type_of(KEYS[n + 4]) == 'zset' and call('ZRANGE', KEYS[n + 4], 0, -1, 'WITHSCORES') or {}
  for _, item in ipairs(leases) do queue[#queue + 1] = item end
  queues[#queues + 1] = queue
end
return { 'OK', cjson.encode(queues), '.' }
