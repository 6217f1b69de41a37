-- cancel: ends a job that waits, or asks its runner to stop it. Its id stays in a queue or claim list, where start drops it.
--
-- KEYS  1-5 job x out after events  6 delay
-- ARGV  1-3 id channel keep  4 reason, may be empty
-- reply CANCELLED  it was ended; then its waiters
--       REQUESTED  its runner will stop it, or will not start it
--       TERMINAL   it had ended
--       MISSING    there is no such job

local found = type_of(JOB)
if found ~= 'hash' and found ~= 'string' then return { 'MISSING', '.' } end
local bad = unfit(KEYS[6], 'zset') or unfit(KEYS[2], 'hash')
if bad then return bad end
local state = found == 'hash' and (call('HGET', JOB, 'status') or '')
if is_terminal(state) then return { 'TERMINAL', '.' } end

call('ZREM', KEYS[6], ID)
if state == 'started' or found == 'string' then
  record('cancel', ARGV[4])
  -- nobody of ours may ever hold it: then x goes by itself
  if not side('token') then call('PEXPIRE', X, 7 * DAY) end
  tell('cancel', 'started')
  return { 'REQUESTED', '.' }
end
conclude('cancel', cancelled(ARGV[4]), 130, clock())
return with_waiters({ 'CANCELLED' })
