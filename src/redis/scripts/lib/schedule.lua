-- Precedes the scripts that change one schedule, whose first keys and first argument are always these.

local STATE, DUE, RECORD = KEYS[1], KEYS[2], KEYS[3]
local NAME = ARGV[1]

local function unfit_schedule()
  return unfit(STATE, 'hash') or unfit(DUE, 'zset') or unfit(RECORD, 'hash')
end

local function whole(n)
  return string.format('%.0f', n)
end

-- Returns the next revision. It is at least the time, so that one made after data were lost is the newer one.
local function revision(old, at)
  return whole(math.max((number(old) or 0) + 1, at))
end

-- Sets when runners are to check the schedule; '' is never.
local function check_at(time)
  call('ZADD', DUE, time == '' and '+inf' or time, NAME)
  local first = call('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2]
  call('HSET', STATE, 'due', first == 'inf' and '' or whole(tonumber(first)))
end

-- The same, and marks the schedules as changed for all runners.
local function plan(at, time)
  check_at(time)
  local known = call('HMGET', STATE, 'birth', 'version')
  call('HSET', STATE, 'birth', known[1] or whole(at), 'version', revision(known[2], at))
end
