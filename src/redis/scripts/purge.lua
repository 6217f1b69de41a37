-- purge: deletes ended jobs with all their keys, or counts them.
--
-- KEYS  1 jobs, then job meta out after skipped of every id
-- ARGV  1 state, or '' for both  2 ms before which they must have ended  3 '1': only count  4 name of a runner, or ''
--       for all  5... ids
-- reply OK  number of jobs that were, or would be, deleted

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

local count = 0
for n = 5, #ARGV do
  local at = 5 * (n - 5) + 2
  local job, meta, out, after, skipped = unpack(KEYS, at, at + 4)
  local status, changed, token, done, ended, runner
  if type_of(job) == 'hash' then
    local fields = call('HMGET', job, 'status', 'updated_at', 'runner')
    status, changed, runner = fields[1], fields[2], fields[3]
    if type_of(meta) == 'hash' then
      fields = call('HMGET', meta, 'token', 'done', 'ended_ms', 'runner')
      token, done, ended, runner = fields[1], fields[2], fields[3], fields[4] or runner
    end
  end
  local wanted = (status == 'finished' or status == 'error') and (ARGV[1] == '' or ARGV[1] == status) and
    (ARGV[4] == '' or ARGV[4] == runner)
  -- another program may have ended a job that still runs here, and others may still wait for its end
  local settled = not token or token == '0' or token == done
  if wanted and settled and call('EXISTS', after) == 0 and is_old(ended, changed) then
    count = count + 1
    if ARGV[3] ~= '1' then
      call('DEL', job, meta, out, skipped)
      call('ZREM', KEYS[1], ARGV[n])
    end
  end
end
return { 'OK', count, '.' }
