-- Follows job.lua and limits.lua: the permits of one job, and its place among the parked ones.
--
-- The record of a job has `limits`, a key a line, in the order in which it names them, and `own_limit`, `N KEY`, for a
-- limit whose N stands in the record alone. An attempt that holds permits has `permits` in its record, and the same
-- text in the hash `held` of its instance, which stays when the record is gone: `NUMBER N REVISION KEY`, a line for
-- each limit. The number is "-" for the limit of its queue, which counts attempts and has no permits.

local PRIORITIES = { high = 0, low = 2 }

-- Returns the limits of a job: key, and N of one that is its own.
local function limits_of(id, record)
  local found = {}
  for key in string.gmatch(own_or_shared(id, record, 'limits') or '', '[^\n]+') do found[#found + 1] = { key = key } end
  local n, key = string.match(own_or_shared(id, record, 'own_limit') or '', '^(%d+) (.+)$')
  if key then found[#found + 1] = { key = key, n = tonumber(n) } end
  return found
end

-- Notes the place that a job with limits keeps among parked ones: that of the time at which it was queued first.
local function note_rank(id, record)
  local limited = own_or_shared(id, record, 'limits') or own_or_shared(id, record, 'own_limit')
  if record.rank or not limited or not usable(LIMIT_STATE, 'hash') then return end
  local count = call('HINCRBY', LIMIT_STATE, 'rank', 1) % 1000000
  record.rank = string.format('%d%014.0f%06.0f', PRIORITIES[own_or_shared(id, record, 'priority')] or 1, clock(), count)
  call('HSET', key_of('meta', id), 'rank', record.rank)
end

-- Removes this job from the parked ones; returns 1 when it was among them.
local function leave_parking()
  local limit, name = string.match(meta('parked') or '', '^([^\n]*)\n(.*)$')
  if not limit then return 0 end
  call('HDEL', META, 'parked')
  fields.parked = nil
  local parked = key_of('parked', name)
  return usable(parked, 'zset') and call('ZREM', parked, limit .. '\n' .. (meta('rank') or '') .. '\n' .. ID) or 0
end

-- Offers permits that this job does not take to the jobs that are parked for them.
local function pass_on(limits, but)
  for _, limit in ipairs(limits) do
    if limit.key ~= but then unpark(limit.key, 1) end
  end
end

-- Parks this job, because of a limit that is reached.
local function park(limit, name)
  leave_parking()
  note_rank(ID, all_meta())
  set_meta('parked', limit .. '\n' .. name)
  call('ZADD', key_of('parked', name), 0, limit .. '\n' .. meta('rank') .. '\n' .. ID)
  call('SADD', key_of('parking', limit), name)
  notify('park', 'dispatched', 'n', name)
end

-- Returns the refusal when a key that the limits of a job need holds a foreign value.
local function unfit_limits(limits, owner, name)
  if #limits == 0 then return end
  local bad = unfit(LIMITS, 'hash') or unfit(LIMIT_STATE, 'hash') or unfit(key_of('held', owner), 'hash')
    or unfit(key_of('parked', name), 'zset')
  for _, limit in ipairs(limits) do
    bad = bad or unfit(key_of('permits', limit.key), 'zset') or unfit(key_of('parking', limit.key), 'set')
  end
  return bad
end

-- Returns the first limit for which there is no permit now, and reads N of all.
local function first_full(limits)
  for _, limit in ipairs(limits) do
    if limit.n then
      limit.revision = '0'
      call('HSET', LIMITS, limit.key, limit.n .. ' 0')
    else
      limit.n, limit.revision = size_of(limit.key)
      call('HSETNX', LIMITS, limit.key, '1 0')
    end
  end
  if clock() < held_until() then return limits[1].key end
  for _, limit in ipairs(limits) do
    if call('ZCARD', key_of('permits', limit.key)) >= limit.n then return limit.key end
  end
end

-- Returns the smallest number that no permit of a limit has. The numbers rise with the ranks: the first one that is
-- larger than its rank follows a free one. Each number may be held once, but after data loss two attempts can have it.
local function free_number(permits)
  local function number_at(rank)
    return tonumber(call('ZRANGE', permits, rank, rank, 'WITHSCORES')[2])
  end
  local low, high = 0, call('ZCARD', permits)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if number_at(middle) > middle then high = middle else low = middle + 1 end
  end
  return low == 0 and 0 or number_at(low - 1) + 1
end

-- Takes a permit of every limit. `queue`, when the queue has a limit, is that: N and revision.
local function take(limits, owner, token, queue)
  local lines = {}
  for i, limit in ipairs(limits) do
    local permits = key_of('permits', limit.key)
    local own = string.format('%.0f', free_number(permits))
    call('ZADD', permits, own, owner .. '\n' .. token .. '\n' .. ID)
    lines[i] = string.format('%s %.0f %s %s', own, limit.n, limit.revision, limit.key)
  end
  if queue then lines[#lines + 1] = '- ' .. queue end
  if #lines == 0 then return end
  local text = table.concat(lines, '\n')
  call('HSET', key_of('held', owner), ID, text)
  set_meta('permits', text)
end

-- Returns the instance in the name of a key of attempts.
local function owner_of(attempts)
  return string.sub(attempts, #key_of('attempts', '') + 1)
end

-- Removes an attempt from those that an instance owns, and returns its permits: the only way in which either happens.
-- Without a token nothing is removed. The record of a job tells of its newest attempt whether that has permits.
local function let_go(attempts, token)
  if call('HDEL', attempts, token and ID or '') == 0 or (meta('token') == token and not meta('permits')) then return end
  local owner = owner_of(attempts)
  local held = key_of('held', owner)
  local text = usable(held, 'hash') and call('HGET', held, ID)
  if not text then return end
  call('HDEL', held, ID)
  for own, limit in string.gmatch(text, '(%S+) %d+ %d+ ([^\n]+)') do
    local permits = key_of('permits', limit)
    if own ~= '-' and usable(permits, 'zset') then
      call('ZREM', permits, owner .. '\n' .. token .. '\n' .. ID)
      unpark(limit, 1)
    end
  end
end

-- Restores the permits of an attempt, and what its host knows of their limits.
local function restore_permits(attempts, token, text)
  local owner = owner_of(attempts)
  local held = key_of('held', owner)
  if not text or text == '' or not usable(held, 'hash') then return end
  call('HSET', held, ID, text)
  for own, n, revision, limit in string.gmatch(text, '(%S+) (%d+) (%d+) ([^\n]+)') do
    set_size(limit, n, revision)
    local permits = key_of('permits', limit)
    if own == '-' then
      mark_queue(limit, true)
    elseif usable(permits, 'zset') then
      call('ZADD', permits, own, owner .. '\n' .. token .. '\n' .. ID)
    end
  end
end
