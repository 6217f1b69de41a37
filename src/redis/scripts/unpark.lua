-- unpark: repairs limits, some with each call: moves jobs that are parked although there are permits to the front of
-- their queues, returns permits whose attempts are gone, and forgets limits that are neither set nor used.
--
-- KEYS  1 limits  2 events
-- ARGV  1 namespace  2 cursor, at first '0'  3 ms for which this is not to be repeated by any runner  4 ms of a lease
-- reply OK  the next cursor, '0' at the end; number of jobs that were moved; ms until jobs with limits start, as after
--           data were lost

local bad = unfit(LIMITS, 'hash') or unfit(LIMIT_STATE, 'hash')
if bad then return bad end
local at, hold = clock(), held_until()
local checked, since = unpack(call('HMGET', LIMIT_STATE, 'checked', 'since'))
-- its end is unknown: a foreign program has removed the record, or the clock went back behind its beginning
if hold == math.huge or at < (number(since) or 0) then hold = begin_hold(tonumber(ARGV[4])) end
if at < hold then return { 'OK', '0', 0, hold - at, '.' } end

-- Notes limits because of which jobs are parked, when a foreign program has removed their keys.
local function find_parked(name)
  local parked, seen = key_of('parked', name), {}
  for _, member in ipairs(usable(parked, 'zset') and call('ZRANDMEMBER', parked, 100) or {}) do
    local limit = string.match(member, '^([^\n]+)\n')
    if limit and not seen[limit] then
      seen[limit] = true
      local parking = usable(key_of('parking', limit), 'set')
      if parking then call('SADD', parking, name) end
      call('HSETNX', LIMITS, limit, '1 0')
    end
  end
end

if ARGV[2] == '0' then
  local last = number(checked) or 0
  if last <= at and at - last < tonumber(ARGV[3]) and last >= hold then return { 'OK', '0', 0, 0, '.' } end
  call('HSET', LIMIT_STATE, 'checked', string.format('%.0f', at))
  local names = usable(key_of('names', ''), 'set')
  for _, name in ipairs(names and call('SMEMBERS', names) or {}) do find_parked(name) end
end

-- Removes permits that no attempt holds; there are none, unless a foreign program has removed keys.
local function repair(permits)
  for _, member in ipairs(call('ZRANDMEMBER', permits, 100)) do
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
