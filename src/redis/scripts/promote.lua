-- promote: moves a delayed job into the queue when it is due, or ends it when the job it waits for failed.
--
-- KEYS  1-5 job meta out after events  6 delay  7 queue  8 low
--       when it waits for another job: 9 that job  10 its waiters
-- ARGV  1-3 id channel keep  4 runner  5 id of the job it waits for, or ''  6 '1': do not wait for the next look at
--       that job
-- reply PROMOTED  it is in the queue
--       WAITS     the other job has not ended; it is looked at again in a minute
--       FAILED    it was ended because of the other job; then the waiters of this one
--       EARLY     it is not due
--       GONE      it is not delayed, or no job any more

local bad = unfit(KEYS[6], 'zset') or unfit(KEYS[7], 'list') or unfit(KEYS[8], 'list')
if bad then return bad end
local waiters = KEYS[10] and usable(KEYS[10], 'set')
local member = ARGV[4] .. '\n' .. ID

local due = call('ZSCORE', KEYS[6], ID)
local found = type_of(JOB)
local state = found == 'hash' and (call('HGET', JOB, 'status') or '')
if not due or found == 'none' or is_final(state) or state == 'started' then
  call('ZREM', KEYS[6], ID)
  if waiters then call('SREM', waiters, member) end
  return { 'GONE', '.' }
end

-- a further attempt does not wait again, but after `retry`, which takes the token away
local token = meta('token')
local waits = not meta('met') and (not token or token == '0') and meta('after') or ''
if waits ~= ARGV[5] then waits = '' end
local at = clock()
if tonumber(due) > at and not (waits ~= '' and ARGV[6] == '1') then return { 'EARLY', '.' } end

if waits ~= '' then
  local verdict = awaited(KEYS[9], waits)
  if verdict == true then
    call('ZADD', KEYS[6], 'XX', at + 60000, ID)
    return { 'WAITS', '.' }
  end
  if verdict then
    call('ZREM', KEYS[6], ID)
    if waiters then call('SREM', waiters, member) end
    conclude('promote', verdict, 1, at)
    return with_waiters({ 'FAILED' })
  end
  set_meta('met', '1')
  local not_before = number(meta('not_before'))
  if not_before and not_before > at then
    call('ZADD', KEYS[6], 'XX', not_before, ID)
    return { 'EARLY', '.' }
  end
end

call('ZREM', KEYS[6], ID)
if waiters then call('SREM', waiters, member) end
enqueue(KEYS[7], KEYS[8], ID, meta('priority'))
notify('promote', 'dispatched', 'n', ARGV[4])
return { 'PROMOTED', '.' }
