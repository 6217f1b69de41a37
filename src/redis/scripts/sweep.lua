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
    call('DEL', unpack(KEYS, at + 1, at + 4))
    count = count + 1
  end
end
return { 'OK', count, '.' }
