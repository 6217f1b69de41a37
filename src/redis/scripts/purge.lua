-- purge: deletes ended jobs with all their keys, or counts them.
--
-- KEYS  1 jobs, then job meta out after skipped of every id
-- ARGV  1 state, or '' for both  2 ms before which they must have ended  3 '1': only count  4 name of a runner, or ''
--       for all  5... ids
-- reply OK  for every id what was done: deleted (or would be), running (an attempt of it still runs), awaited (another
--           job waits for its end), other (it has not ended, or not so), missing (there is no such job)

local bad = unfit(KEYS[1], 'zset')
if bad then return bad end
local before = tonumber(ARGV[2])
local limit = string.sub(stamp(before), 1, 19)

-- Returns whether a job ended before the limit: by its metadata, else by the time of the last change that another
-- program wrote. An unknown time counts as now.
local function is_old(ended, changed)
  if ended then return tonumber(ended) < before end
  local text = changed or ''
  if string.match(text, '^%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d:%d%d') then
    return string.gsub(string.sub(text, 1, 19), ' ', 'T') < limit
  end
  local seconds = number(text)
  return seconds ~= nil and seconds * 1000 < before
end

-- Returns nil when a job is to be deleted, else what keeps it.
local function kept(job, meta, after)
  local found = type_of(job)
  if found == 'none' then return 'missing' end
  if found ~= 'hash' then return 'other' end
  local status, changed, runner = unpack(call('HMGET', job, 'status', 'updated_at', 'runner'))
  local token, done, ended
  if type_of(meta) == 'hash' then
    local ran
    token, done, ended, ran = unpack(call('HMGET', meta, 'token', 'done', 'ended_ms', 'runner'))
    runner = ran or runner
  end
  if not (status == 'finished' or status == 'error') or (ARGV[1] ~= '' and ARGV[1] ~= status)
    or (ARGV[4] ~= '' and ARGV[4] ~= runner) or not is_old(ended, changed) then
    return 'other'
  end
  -- another program may have ended a job that still runs here
  if token and token ~= '0' and token ~= done then return 'running' end
  if call('EXISTS', after) == 1 then return 'awaited' end
end

local reply = { 'OK' }
for n = 5, #ARGV do
  local at = 5 * (n - 5) + 2
  local job, meta, out, after, skipped = unpack(KEYS, at, at + 4)
  local why = kept(job, meta, after)
  if not why and ARGV[3] ~= '1' then
    call('DEL', job, meta, out, skipped)
    call('ZREM', KEYS[1], ARGV[n])
  end
  reply[#reply + 1] = why or 'deleted'
end
reply[#reply + 1] = '.'
return reply
