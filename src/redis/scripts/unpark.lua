-- unpark: repairs limits, some with each call: moves jobs that are parked although there are permits to the front of
-- their queues, returns permits whose attempts are gone, and forgets limits that are neither set nor used.
--
-- KEYS  1 limits  2 events
-- ARGV  1 namespace  2 cursor, at first '0'  3 ms for which this is not to be repeated by any runner
-- reply OK  the next cursor, '0' at the end; number of jobs that were moved; ms until jobs with limits start, as after
--           data were lost

local bad = unfit(LIMITS, 'hash') or unfit(LIMIT_STATE, 'hash')
if bad then return bad end
if call('EXISTS', LIMITS) == 0 then return { 'OK', '0', 0, 0, '.' } end
local at, hold = clock(), held_until()
local checked = number(call('HGET', LIMIT_STATE, 'checked')) or 0
if at < hold then return { 'OK', '0', 0, hold < math.huge and hold - at or 0, '.' } end
if ARGV[2] == '0' then
  if at - checked < tonumber(ARGV[3]) and checked >= hold then return { 'OK', '0', 0, 0, '.' } end
  call('HSET', LIMIT_STATE, 'checked', string.format('%.0f', at))
end

-- Removes permits that no attempt holds; there are none, unless a foreign program has removed keys.
local function repair(permits)
  for _, member in ipairs(call('ZRANGE', permits, 0, 99)) do
    local owner, token, id = string.match(member, '^([^\n]*)\n([^\n]*)\n(.*)$')
    local attempts = key_of('attempts', owner or '')
    if type_of(attempts) ~= 'hash' or call('HGET', attempts, id) ~= token then call('ZREM', permits, member) end
  end
end

local found = call('HSCAN', LIMITS, ARGV[2], 'COUNT', 100)
local moved = 0
for i = 1, #found[2], 2 do
  local limit = found[2][i]
  local permits, parking = key_of('permits', limit), key_of('parking', limit)
  if type_of(permits) == 'zset' then repair(permits) end
  if call('EXISTS', permits, parking) > 0 then
    moved = moved + unpark(limit, MOST_UNPARKED)
  elseif string.match(found[2][i + 1], ' 0$') then
    call('HDEL', LIMITS, limit)
  end
end
return { 'OK', found[1], moved, 0, '.' }
