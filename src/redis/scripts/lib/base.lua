-- Precedes every script.
--
-- A script reads and checks types first and writes after, because nothing rolls a script back. Its first write frees
-- memory (even when there is nothing to free), because only then Redis lets the rest of it run at its memory limit.
-- Time is Redis' own. A reply is flat and ends with ".", so that a truncated reply is detected.
--
-- A call of a command costs more than most of the Lua here, so no fact is read twice. SEEN holds what is the same for
-- every step of a command, such as the types of keys: what our own steps create or remove meanwhile keeps its type.

local call = redis.call

local function type_of(key)
  return call('TYPE', key).ok
end

local function seen_type(key)
  local found = SEEN.types[key] or type_of(key)
  SEEN.types[key] = found
  return found
end

-- Returns the key when it may be read and written as `want`. A foreign value in it counts as absent and is left alone.
local function usable(key, want)
  local found = seen_type(key)
  return (found == want or found == 'none') and key or nil
end

-- Returns the refusal when a key that the step needs holds a foreign value.
local function unfit(key, want)
  local found = seen_type(key)
  if found ~= want and found ~= 'none' then return { 'UNFIT', key, found, want, '.' } end
end

-- Returns the Unix time in milliseconds.
local function clock()
  if not SEEN.at then
    local t = call('TIME')
    SEEN.at = t[1] * 1000 + math.floor(t[2] / 1000)
  end
  return SEEN.at
end

-- Formats a time as RFC 3339 in UTC. The civil date is by Howard Hinnant's algorithm (chrono-compatible low-level date
-- algorithms).
local function stamp(ms)
  if SEEN.stamp and SEEN.stamp[1] == ms then return SEEN.stamp[2] end
  local seconds = math.floor(ms / 1000)
  local z = math.floor(seconds / 86400) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local rest = seconds % 86400
  local text = string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
    math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60, ms % 1000)
  SEEN.stamp = { ms, text }
  return text
end

-- Writes arguments from one to another as fields of a hash; Lua can unpack some thousand at a time.
local function fill(key, args, from, to)
  for i = from, to, 1000 do
    call('HSET', key, unpack(args, i, math.min(i + 999, to)))
  end
end

-- Reads a number that a hash holds as text; nil when it is none.
local function number(text)
  local n = tonumber(text or '')
  if n and n == n and n >= 0 and n < 1e15 then return n end
end

-- Returns the name of the history of Redis' data. It changes with each restart, and each time that Redis becomes a
-- master.
local function history()
  return string.match(call('INFO', 'replication'), 'master_replid:(%w+)') or ''
end

-- Checks, once for a command, whether a process may claim or start a job: it must own the instance, and Redis must not
-- have gone back behind `reported`, the last `seq` that it reported to the process. Returns nil, or the refusal.
local function refused(key, nonce, reported)
  if not SEEN.instances[key] then
    local found = redis.pcall('HMGET', key, 'nonce', 'seq', 'limited')
    if found.err then return unfit(key, 'hash') or { 'FENCED', '.' } end
    SEEN.types[key] = 'hash'
    SEEN.instances[key] = { nonce = found[1], seq = number(found[2]) or 0, limited = found[3] }
  end
  if SEEN.instances[key].nonce ~= nonce then return { 'FENCED', '.' } end
  if SEEN.instances[key].seq < tonumber(reported) then return { 'LOST', '.' } end
end

-- Queues an id by its priority. One of low priority goes into the list of its own only while others wait.
local function enqueue(queue, low, id, priority)
  if priority == 'high' then
    call('RPUSH', queue, id)
  elseif priority == 'low' and call('LLEN', queue) > 0 then
    call('LPUSH', low, id)
  else
    call('LPUSH', queue, id)
  end
end

-- Forgets the name of a queue when none of its keys is there: it is empty and not paused, and no runner has served it
-- lately.
local function forget_name(names, name, ...)
  if name == '' or call('EXISTS', ...) > 0 or not usable(names, 'set') then return 0 end
  return call('SREM', names, name)
end

local function event(key, name, ...)
  if usable(key, 'stream') then call('XADD', key, 'MAXLEN', '~', 10000, '*', 'e', name, ...) end
end
