-- Follows NAMED, NAMESPACE and EVENTS: limits, and the jobs that are parked because one is reached.
--
-- LIMITS has `N REVISION` of each limit that is in use; the revision is 0 when N was never set. Attempts that hold a
-- permit of a limit are members `NAME:INST\nTOKEN\nID` of a zset, scored by the number of the permit. Parked jobs are
-- members `LIMIT\nRANK\nID` of the zset of their queue, all with the same score; a set for each limit names the queues.

-- The most jobs that one event moves to the front of a queue.
local MOST_UNPARKED = 100
local LIMITS, LIMIT_STATE = key_of('limits', ''), key_of('limit_state', '')

-- Returns N of a limit, and its revision.
local function size_of(limit)
  local found = usable(LIMITS, 'hash') and call('HGET', LIMITS, limit)
  local n, revision = string.match(found or '', '^(%d+) (%d+)$')
  return tonumber(n or 1), revision or '0'
end

-- Sets N of a limit, where no newer revision has.
local function set_size(limit, n, revision)
  if not usable(LIMITS, 'hash') then return end
  local _, mine = size_of(limit)
  if tonumber(revision) > tonumber(mine) then
    call('HSET', LIMITS, limit, n .. ' ' .. revision)
  else
    call('HSETNX', LIMITS, limit, n .. ' ' .. revision)
  end
end

-- Returns until when nothing that has a limit starts: a lease and its grace after the first runner has registered with
-- data of this history, because until then an attempt that holds a permit may be missing. Infinite before that.
local function held_until()
  if not SEEN.limits_hold then
    local state = usable(LIMIT_STATE, 'hash') and call('HMGET', LIMIT_STATE, 'history', 'hold') or {}
    SEEN.limits_hold = state[1] == history() and number(state[2]) or math.huge
  end
  return SEEN.limits_hold
end

-- Lets nothing that has a limit start for a lease of these milliseconds and its grace. Returns until when.
local function begin_hold(lease)
  local hold = string.format('%.0f', clock() + lease * 4 / 3)
  call('HSET', LIMIT_STATE, 'history', history(), 'hold', hold, 'since', string.format('%.0f', clock()))
  SEEN.limits_hold = tonumber(hold)
  return SEEN.limits_hold
end

-- Returns the instances of a runner.
local function instances_of(name)
  local lease = key_of('lease', name)
  return usable(lease, 'zset') and call('ZRANGE', lease, 0, -1) or {}
end

-- Returns how many attempts of a queue are in Redis, and how many claims.
local function used_of(name)
  local attempts, claims = 0, 0
  for _, instance in ipairs(instances_of(name)) do
    local owner = name .. ':' .. instance
    local running, claimed = key_of('attempts', owner), key_of('claim', owner)
    attempts = attempts + (usable(running, 'hash') and call('HLEN', running) or 0)
    claims = claims + (usable(claimed, 'list') and call('LLEN', claimed) or 0)
  end
  return attempts, claims
end

-- Records in each instance of a queue whether the queue has a limit, so that a claim need not read that.
local function mark_queue(limit, is_set)
  local name = string.match(limit, '^runner:(.*)$')
  for _, instance in ipairs(name and instances_of(name) or {}) do
    local key = key_of('instance', name .. ':' .. instance)
    if type_of(key) == 'hash' and is_set then call('HSET', key, 'limited', 1) end
    if type_of(key) == 'hash' and not is_set then call('HDEL', key, 'limited') end
  end
end

-- Returns whether a runner may claim from a queue now.
local function is_served(name)
  local lease = key_of('lease', name)
  local newest = usable(lease, 'zset') and call('ZRANGE', lease, -1, -1, 'WITHSCORES')[2]
  return newest and tonumber(newest) > clock() and call('EXISTS', key_of('paused', name)) == 0
end

-- Returns parked jobs of a queue, oldest first.
local function parked_in(name, limit, count)
  return call('ZRANGE', key_of('parked', name), '[' .. limit .. '\n', '(' .. limit .. '\v', 'BYLEX', 'LIMIT', 0, count)
end

-- Returns whether a job has a limit, and a rank before another one.
local function precedes(id, limit, rank)
  local record = key_of('meta', id)
  local mine, limits, own = unpack(type_of(record) == 'hash' and call('HMGET', record, 'rank', 'limits', 'own_limit')
    or {})
  return mine and mine < rank and (string.find('\n' .. (limits or '') .. '\n', '\n' .. limit .. '\n', 1, true)
    or string.match(own or '', '^%d+ (.+)$') == limit)
end

-- Returns the jobs with a limit that are next in a queue and precede all that are parked there, the next one first:
-- they were moved before, or are more urgent.
local function next_with(name, limit, most)
  local rank = string.match(parked_in(name, limit, 1)[1] or '', '^[^\n]*\n([^\n]*)\n')
  local found, ids = rank and call('LRANGE', key_of('queue', name), -most, -1) or {}, {}
  for i = #found, 1, -1 do
    if not precedes(found[i], limit, rank) then break end
    ids[#ids + 1] = found[i]
  end
  return ids
end

-- Moves the oldest parked jobs of a queue to its front, behind those that are next there. One that was ended or removed
-- meanwhile is dropped.
local function move_up(name, limit, count, others)
  local ids = {}
  for _ = 1, MOST_UNPARKED do
    local member = #ids < count and parked_in(name, limit, 1)[1]
    if not member then break end
    call('ZREM', key_of('parked', name), member)
    local id = string.match(member, '^[^\n]*\n[^\n]*\n(.*)$')
    local job, record = key_of('job', id), key_of('meta', id)
    if type_of(record) == 'hash' then call('HDEL', record, 'parked') end
    local found = type_of(job)
    local state = found == 'hash' and call('HGET', job, 'status') or ''
    -- whatever else another program has made of it, its start finds out
    if found ~= 'none' and state ~= 'started' and state ~= 'finished' and state ~= 'error' then ids[#ids + 1] = id end
  end
  local queue = key_of('queue', name)
  for _, id in ipairs(#ids > 0 and others or {}) do call('LREM', queue, -1, id) end
  for i = #ids, 1, -1 do
    call('RPUSH', queue, ids[i])
    event(EVENTS, 'unpark', 'id', ids[i], 's', 'dispatched', 'n', name)
    call('PUBLISH', key_of('channel', ids[i]), 'dispatched')
  end
  for i = #ids > 0 and #others or 0, 1, -1 do call('RPUSH', queue, others[i]) end
  if #parked_in(name, limit, 1) == 0 then call('SREM', key_of('parking', limit), name) end
  return #ids
end

-- Moves the oldest jobs that are parked because of a limit to the front of each queue that is served: as many as there
-- are permits, at most, those included that precede them there. None is reserved for them: one that finds none is
-- parked again, at its rank.
local function unpark(limit, most)
  local parking, permits, moved = key_of('parking', limit), key_of('permits', limit), 0
  local names = usable(parking, 'set') and usable(permits, 'zset') and call('SMEMBERS', parking) or {}
  local free = (#names == 0 or clock() < held_until()) and 0 or size_of(limit) - call('ZCARD', permits)
  for _, name in ipairs(free > 0 and names or {}) do
    local fits = usable(key_of('parked', name), 'zset') and usable(key_of('queue', name), 'list')
    if fits and is_served(name) then
      local room = math.min(free, MOST_UNPARKED)
      local others = next_with(name, limit, room)
      moved = moved + move_up(name, limit, math.min(most, room - #others), others)
    end
  end
  return moved
end
