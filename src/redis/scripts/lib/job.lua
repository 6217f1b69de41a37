-- In front of the scripts about one job, whose first keys and arguments are always these.

local JOB, X, OUT, AFTER, EVENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ID, CHANNEL, KEEP = ARGV[1], ARGV[2], ARGV[3]
local DAY = 86400000

X = usable(X, 'hash')

local function side(name)
  return X and call('HGET', X, name) or nil
end

local function record(...)
  if X then call('HSET', X, ...) end
end

-- Tells the audit and everybody who waits.
local function tell(name, state, ...)
  event(EVENTS, name, 'id', ID, 's', state, ...)
  call('PUBLISH', CHANNEL, state)
end

local function is_terminal(state)
  return state == 'finished' or state == 'error'
end

-- Milliseconds for which Redis keeps the ended job: what the submission said, else the default.
local function own_keep()
  local seconds = number(side('keep'))
  return seconds and seconds * 1000 or tonumber(KEEP)
end

-- Everything about an ended job leaves Redis together; 0, or more than ten years, is for ever.
local function retain(keep)
  local forever = keep <= 0 or keep > 3650 * DAY
  for _, key in ipairs({ JOB, KEYS[2], OUT }) do
    if forever then call('PERSIST', key) else call('PEXPIRE', key, math.floor(keep)) end
  end
  call('PEXPIRE', AFTER, DAY)
end

-- The jobs that waited for the end of this one are the rest of the reply.
local function with_waiters(reply)
  if usable(AFTER, 'set') then
    for _, member in ipairs(call('SMEMBERS', AFTER)) do reply[#reply + 1] = member end
  end
  reply[#reply + 1] = '.'
  return reply
end

-- Ends a job that does not run.
local function conclude(name, why, exit, at)
  call('HSET', JOB, 'status', 'error', 'error', why, 'updated_at', stamp(at))
  record('exit', exit, 'ended_ms', at)
  retain(own_keep())
  tell(name, 'error')
end

-- What the job that this one waits for allows: nil: go; true: wait; text: why this one will never start.
local function awaited(key, id)
  local found = type_of(key)
  if found == 'string' then return true end
  local state = found == 'hash' and (call('HGET', key, 'status') or '')
  if state == 'finished' then return nil end
  if state == 'error' then return 'not started: job "' .. id .. '" it waits for ended with error' end
  if not state then return 'not started: job "' .. id .. '" it waits for is not there' end
  return true
end

local function cancelled(reason)
  return reason == '' and 'cancelled' or 'cancelled: ' .. reason
end
