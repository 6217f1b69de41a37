-- Follows batch.lua, and precedes the scripts about one job, whose first keys and arguments are always these.

local JOB, META, OUT, AFTER = unpack(KEYS, 1, 4)
local ID, CHANNEL, KEEP = ARGV[1], ARGV[2], ARGV[3]
local DAY = 86400000

local meta_type = type_of(META)
-- nil when it holds a foreign value, which is left alone
META = (meta_type == 'hash' or meta_type == 'none') and META or nil

-- The fields of meta, read on first use and kept up to date by `set_meta`.
local fields
local function all_meta()
  if not fields then
    fields = {}
    local found = meta_type == 'hash' and call('HGETALL', META) or {}
    for i = 1, #found, 2 do fields[found[i]] = found[i + 1] end
  end
  return fields
end

local function meta(name)
  return own_or_shared(ID, all_meta(), name)
end

local function set_meta(...)
  if not META then return end
  all_meta()
  call('HSET', META, ...)
  local new = { ... }
  for i = 1, #new, 2 do fields[new[i]] = tostring(new[i + 1]) end
end

-- Notes where the output of the newest attempt is, before that is no longer on record: of the newest ten.
local function note_earlier()
  local token, instance = meta('token'), meta('instance')
  if not token or token == '0' or not instance then return end
  local lines = { token .. ' ' .. instance .. ' ' .. (meta('output_bytes') or '-') .. ' ' .. (meta('runner') or '') }
  for line in string.gmatch(meta('earlier') or '', '[^\n]+') do
    if #lines < 10 and string.match(line, '^%S+') ~= token then lines[#lines + 1] = line end
  end
  set_meta('earlier', table.concat(lines, '\n'))
end

-- Counts a member of a batch, adds an event to the stream, and notifies the clients that wait.
local function notify(name, state, ...)
  count(ID, all_meta(), state)
  event(EVENTS, name, 'id', ID, 's', state, ...)
  call('PUBLISH', CHANNEL, state)
end

-- Returns the milliseconds for which Redis keeps the ended job: those of the submission, else the default.
local function own_keep()
  local seconds = number(meta('keep'))
  return seconds and seconds * 1000 or tonumber(KEEP)
end

-- Whether other jobs may wait for this one; nil until that is known.
local awaits

-- Lets keys of an ended job expire together; 0, or more than ten years, is for ever.
local function expire(keep, ...)
  local forever = keep <= 0 or keep > 3650 * DAY
  for _, key in ipairs({ ... }) do
    if forever then call('PERSIST', key) else call('PEXPIRE', key, math.floor(keep)) end
  end
end

local function retain(keep)
  expire(keep, JOB, KEYS[2], OUT)
  awaits = call('PEXPIRE', AFTER, DAY) == 1
end

-- Ends a job that does not run, with an error.
local function conclude(name, why, exit, at)
  call('HSET', JOB, 'status', 'error', 'error', why, 'updated_at', stamp(at))
  set_meta('exit', exit, 'ended_ms', at)
  retain(own_keep())
  notify(name, 'error')
end

local function cancelled(reason)
  return reason == '' and 'cancelled' or 'cancelled: ' .. reason
end
