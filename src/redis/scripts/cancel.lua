-- cancel: ends a job that waits, or asks its runner to stop it. An id in a claim list stays there; `start` drops it.
--
-- KEYS  1-5 job meta out after events  6 delay  7 queue  8 low  9 lease  10 paused  11 history  12 names  13 parked
-- ARGV  1-3 id channel keep  4 reason, may be empty  5 runner  6 '1': record the request for a job that is a string
--       7 '1': only when it has not started
-- reply CANCELLED  the job has ended: number of its entries that were removed from the queue, the delayed and the
--                  parked jobs; then the ended jobs for which others still wait
--       REQUESTED  its runner will stop it, or will not start it
--       JSON       the job is this string; nothing was changed
--       FINAL      it had already ended
--       STARTED    it had started; nothing was changed
--       MISSING    there is no such job

local DELAY, QUEUE, LOW, LEASE, PAUSED, HISTORY, NAMES, PARKED = unpack(KEYS, 6, 13)

local found = type_of(JOB)
if found ~= 'hash' and found ~= 'string' then return { 'MISSING', '.' } end
local bad = unfit(DELAY, 'zset') or unfit(KEYS[2], 'hash') or unfit(QUEUE, 'list') or unfit(LOW, 'list')
if bad then return bad end
local state = found == 'hash' and (call('HGET', JOB, 'status') or '')
if is_final(state) then return { 'FINAL', '.' } end
if state == 'started' and ARGV[7] == '1' then return { 'STARTED', '.' } end
if found == 'string' and ARGV[6] ~= '1' then return { 'JSON', call('GET', JOB), '.' } end

local left = call('ZREM', DELAY, ID)
if state == 'started' or found == 'string' then
  set_meta('cancel', ARGV[4])
  -- no runner of this program may ever own the job: then meta expires by itself
  if not meta('token') then call('PEXPIRE', META, 7 * DAY) end
  notify('cancel', 'started')
  return { 'REQUESTED', '.' }
end
if left == 0 then left = leave_parking() end
-- Removes the id from a list; `start` drops a further copy. Of many jobs that are cancelled one after the other, which
-- most often are the newest ones, each is then near the left end, although a long queue is before them.
local function unlist(key)
  local is_near = call('LPOS', key, ID, 'MAXLEN', 1000)
  return call('LREM', key, is_near and 1 or -1, ID)
end
if left == 0 then left = unlist(QUEUE) end
if left == 0 then left = unlist(LOW) end
conclude('cancel', cancelled(ARGV[4]), 130, clock())
pass_on(limits_of(ID, all_meta()))
forget_name(NAMES, ARGV[5], DELAY, QUEUE, LOW, LEASE, PAUSED, HISTORY, PARKED)
return with_open({ 'CANCELLED', left })
