-- schedules: reads all schedules, and forgets names of removed ones whose records have expired.
--
-- KEYS  1 state  2 due
-- ARGV  1 key of a record without the name
-- reply OK  Redis' clock in ms, birth and version of the schedules, both '' when there are none, ms until which nothing
--           fires or '', JSON of a list: name, then fields of the record

local STATE, DUE = KEYS[1], KEYS[2]

local bad = unfit(STATE, 'hash') or unfit(DUE, 'zset')
if bad then return bad end
local state = call('HMGET', STATE, 'birth', 'version', 'hold')
local found = {}
for _, name in ipairs(call('ZRANGE', DUE, 0, -1)) do
  local key = ARGV[1] .. name
  local fields = type_of(key) == 'hash' and call('HGETALL', key) or {}
  if #fields == 0 then
    call('ZREM', DUE, name)
  else
    table.insert(fields, 1, name)
    found[#found + 1] = fields
  end
end
local text = #found == 0 and '[]' or cjson.encode(found)
return { 'OK', clock(), state[1] or '', state[2] or '', state[3] or '', text, '.' }
