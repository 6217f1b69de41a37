-- sweep: removes the index entries and the other keys of jobs that left Redis.
--
-- KEYS  1 jobs, then job meta out after skipped of every id
-- ARGV  ids
-- reply OK  number of jobs that were forgotten

local bad = unfit(KEYS[1], 'zset')
if bad then return bad end
local count = 0
for n, id in ipairs(ARGV) do
  local at = 5 * n - 3
  if call('EXISTS', KEYS[at]) == 0 then
    call('ZREM', KEYS[1], id)
    -- what counts the members of a batch finds out by the metadata that one is gone
    local is_member = redis.pcall('HGET', KEYS[at + 1], 'as')
    local kept = type(is_member) == 'string' and is_member ~= '' and 2 or 1
    call('DEL', unpack(KEYS, at + kept, at + 4))
    count = count + 1
  end
end
return { 'OK', count, '.' }
