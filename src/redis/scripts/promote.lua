-- promote: moves a delayed job into the queue when it is due, or ends it when the job it waits for failed.
--
-- KEYS  1-5 job meta out after events  6 delay  7 queue  8 low
--       when it waits for another job: 9 that job  10 its waiters
-- ARGV  1-3 id channel keep  4 runner  5 id of the job it waits for, or ''  6 '1': check that job now, before
--       its next check is due
-- reply PROMOTED  it is in the queue
--       WAITS     the other job has not ended; the next check is in a minute
--       FAILED    it was ended because of the other job; then the waiters of this one
--       EARLY     it is not due
--       GONE      it is not delayed, or no job any more

local DELAY, QUEUE, LOW, AWAITED, WAITERS = unpack(KEYS, 6, 10)

local bad = unfit(DELAY, 'zset') or unfit(QUEUE, 'list') or unfit(LOW, 'list')
if bad then return bad end
local waiters = WAITERS and usable(WAITERS, 'set')
local member = ARGV[4] .. '\n' .. ID

local due = call('ZSCORE', DELAY, ID)
local found = type_of(JOB)
local state = found == 'hash' and (call('HGET', JOB, 'status') or '')
if not due or found == 'none' or is_final(state) or state == 'started' then
  call('ZREM', DELAY, ID)
  if waiters then call('SREM', waiters, member) end
  return { 'GONE', '.' }
end

-- a further attempt does not wait again, except after `retry`, which resets the token
local token = meta('token')
local waits = not meta('met') and (not token or token == '0') and meta('after') or ''
if waits ~= ARGV[5] then waits = '' end
local at = clock()
if tonumber(due) > at and not (waits ~= '' and ARGV[6] == '1') then return { 'EARLY', '.' } end

if waits ~= '' then
  local verdict = awaited(AWAITED, waits)
  if verdict == true then
    call('ZADD', DELAY, 'XX', at + 60000, ID)
    return { 'WAITS', '.' }
  end
  if verdict then
    call('ZREM', DELAY, ID)
    if waiters then call('SREM', waiters, member) end
    conclude('promote', verdict, 1, at)
    return with_waiters({ 'FAILED' })
  end
  set_meta('met', '1')
  local not_before = number(meta('not_before'))
  if not_before and not_before > at then
    call('ZADD', DELAY, 'XX', not_before, ID)
    return { 'EARLY', '.' }
  end
end

call('ZREM', DELAY, ID)
if waiters then call('SREM', waiters, member) end
enqueue(QUEUE, LOW, ID, meta('priority'))
notify('promote', 'dispatched', 'n', ARGV[4])
return { 'PROMOTED', '.' }
