-- retry: puts an ended job back into its queue, for a new attempt. The count of attempts goes on, so that those before
-- stay fenced, also one that still runs because another program ended the job.
--
-- A job that waits for another one waits again, unless that one has finished, or had finished before and is gone.
--
-- KEYS  1-5 job meta out after events  6 queue  7 low  8 delay  9 jobs  10 names
--       when it waits for another job: 11 that job  12 its waiters
-- ARGV  1-3 id channel keep  4 runner  5 id of the job it waits for, or ''
-- reply OK       it is queued; for one that is delayed also its due time, ms
--       WAITS    it waits for the end of the other job: the id of that one
--       NEVER    it would not start, because of the other job: the id of that one, then 'error', or '' when it does not
--                exist; nothing was changed
--       ALIVE    it has not ended: its status
--       MISSING  there is no such job
--       EMPTY    it has no payload: Redis had lost the job, and only its end was restored

local QUEUE, LOW, DELAY, JOBS, NAMES, AWAITED, WAITERS = unpack(KEYS, 6, 12)

local found = type_of(JOB)
if found == 'string' then return { 'ALIVE', 'dispatched', '.' } end
if found ~= 'hash' then return { 'MISSING', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(QUEUE, 'list') or unfit(LOW, 'list') or unfit(DELAY, 'zset')
  or (WAITERS and unfit(WAITERS, 'set'))
if bad then return bad end
local state = call('HGET', JOB, 'status') or ''
if not is_final(state) then return { 'ALIVE', state == '' and 'dispatched' or state, '.' } end
if not call('HGET', JOB, 'payload') then return { 'EMPTY', '.' } end

-- another job was given this id since the caller read it
if (meta('after') or '') ~= ARGV[5] then return { 'MISSING', '.' } end
local verdict = nil
if AWAITED then
  local was_met = meta('met') or (meta('token') and meta('token') ~= '0')
  if not was_met or type_of(AWAITED) ~= 'none' then verdict = awaited(AWAITED, ARGV[5]) end
end
if type(verdict) == 'string' then
  return { 'NEVER', ARGV[5], type_of(AWAITED) == 'hash' and 'error' or '', '.' }
end

local at = clock()
-- a job that was cancelled before it started is still in a list
call('LREM', QUEUE, 0, ID)
call('LREM', LOW, 0, ID)
if usable(OUT, 'stream') then call('DEL', OUT) end
call('ZREM', DELAY, ID)
call('HDEL', META, 'exit', 'ended_ms', 'ms', 'output_bytes', 'truncated', 'left', 'cancel', 'lost', 'rerouted',
  'last_error')
note_earlier()
if meta('token') then set_meta('token', '0') end
for _, key in ipairs({ JOB, META, AFTER }) do call('PERSIST', key) end
call('HSET', JOB, 'status', 'dispatched', 'result', '', 'error', '', 'updated_at', stamp(at))
if usable(JOBS, 'zset') then call('ZADD', JOBS, 'NX', at, ID) end
if usable(NAMES, 'set') then call('SADD', NAMES, ARGV[4]) end
notify('retry', 'dispatched', 'n', ARGV[4])
if verdict then
  call('HDEL', META, 'met')
  call('SADD', WAITERS, ARGV[4] .. '\n' .. ID)
  call('ZADD', DELAY, at + 60000, ID)
  return { 'WAITS', ARGV[5], '.' }
end
if AWAITED then set_meta('met', '1') end
local due = number(meta('not_before'))
if due and due > at then
  call('ZADD', DELAY, due, ID)
  return { 'OK', meta('not_before'), '.' }
end
enqueue(QUEUE, LOW, ID, meta('priority'))
return { 'OK', '.' }
