-- claim: takes the next ids of the queue, and of the low ones when it is empty.
--
-- KEYS  1 queue  2 low  3 claim
-- ARGV  1 the most ids
-- reply ids, the next to run first

local ids = {}
for _ = 1, tonumber(ARGV[1]) do
  local id = call('LMOVE', KEYS[1], KEYS[3], 'RIGHT', 'LEFT') or call('LMOVE', KEYS[2], KEYS[3], 'RIGHT', 'LEFT')
  if not id then break end
  ids[#ids + 1] = id
end
ids[#ids + 1] = '.'
return ids
