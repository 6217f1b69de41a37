-- cancel: ends a job that waits, or asks its runner to stop it. An id in a claim list stays there: start drops it.
--
-- KEYS  1-5 job meta out after events  6 delay  7 queue  8 low  9 lease  10 paused  11 history  12 names
-- ARGV  1-3 id channel keep  4 reason, may be empty  5 runner  6 '1': record the order for a job that is a string
-- reply CANCELLED  it was ended: how many of its places in the queue and among the delayed jobs it has left; then its
--                  waiters
--       REQUESTED  its runner will stop it, or will not start it
--       JSON       the job is this string; nothing was changed
--       FINAL      it had ended
--       MISSING    there is no such job

local found = type_of(JOB)
if found ~= 'hash' and found ~= 'string' then return { 'MISSING', '.' } end
local bad = unfit(KEYS[6], 'zset') or unfit(KEYS[2], 'hash') or unfit(KEYS[7], 'list') or unfit(KEYS[8], 'list')
if bad then return bad end
local state = found == 'hash' and (call('HGET', JOB, 'status') or '')
if is_final(state) then return { 'FINAL', '.' } end
if found == 'string' and ARGV[6] ~= '1' then return { 'JSON', call('GET', JOB), '.' } end

local left = call('ZREM', KEYS[6], ID)
if state == 'started' or found == 'string' then
  set_meta('cancel', ARGV[4])
  -- nobody of ours may ever hold it: then meta goes by itself
  if not meta('token') then call('PEXPIRE', META, 7 * DAY) end
  notify('cancel', 'started')
  return { 'REQUESTED', '.' }
end
-- from the right end, where the oldest are; a further copy of the id is dropped by start
left = left + call('LREM', KEYS[7], -1, ID) + call('LREM', KEYS[8], -1, ID)
conclude('cancel', cancelled(ARGV[4]), 130, clock())
forget_name(KEYS[12], ARGV[5], unpack(KEYS, 6, 11))
return with_waiters({ 'CANCELLED', left })
