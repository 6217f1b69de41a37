-- retry: puts an ended job back into its queue, for a new attempt. The count of attempts goes on, so that those before
-- stay fenced, also one that still runs because another program ended the job.
--
-- A job that waits for another one waits again, unless that one has finished, or had finished before and is gone.
--
-- KEYS  1-5 job meta out after events  6 queue  7 low  8 delay  9 jobs  10 names
--       when it waits for another job: 11 that job  12 its waiters
-- ARGV  1-3 id channel keep  4 runner  5 id of the job it waits for, or ''
-- reply OK       it is queued; when it is delayed until its time that time, ms
--       WAITS    it waits for the end of the other job: that one's id
--       NEVER    it would not start, because of the other job: that one's id, and 'error', or '' when it is not there;
--                nothing was changed
--       ALIVE    it has not ended; its status
--       MISSING  there is no such job
--       EMPTY    it has no payload: Redis had lost the job, and only its end came back

local found = type_of(JOB)
if found == 'string' then return { 'ALIVE', 'dispatched', '.' } end
if found ~= 'hash' then return { 'MISSING', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(KEYS[6], 'list') or unfit(KEYS[7], 'list') or unfit(KEYS[8], 'zset')
  or (KEYS[12] and unfit(KEYS[12], 'set'))
if bad then return bad end
local state = call('HGET', JOB, 'status') or ''
if not is_final(state) then return { 'ALIVE', state == '' and 'dispatched' or state, '.' } end
if not call('HGET', JOB, 'payload') then return { 'EMPTY', '.' } end

-- another job was given this id since the caller read it
if (meta('after') or '') ~= ARGV[5] then return { 'MISSING', '.' } end
local verdict = nil
if KEYS[11] then
  local was_met = meta('met') or (meta('token') and meta('token') ~= '0')
  if not was_met or type_of(KEYS[11]) ~= 'none' then verdict = awaited(KEYS[11], ARGV[5]) end
end
if type(verdict) == 'string' then
  return { 'NEVER', ARGV[5], type_of(KEYS[11]) == 'hash' and 'error' or '', '.' }
end

local at = clock()
-- a job that was cancelled before it started is still in a list
call('LREM', KEYS[6], 0, ID)
call('LREM', KEYS[7], 0, ID)
if usable(OUT, 'stream') then call('DEL', OUT) end
call('ZREM', KEYS[8], ID)
call('HDEL', META, 'exit', 'ended_ms', 'ms', 'output_bytes', 'truncated', 'left', 'cancel', 'lost', 'rerouted', 'last_error')
if meta('token') then set_meta('token', '0') end
for _, key in ipairs({ JOB, META, AFTER }) do call('PERSIST', key) end
call('HSET', JOB, 'status', 'dispatched', 'result', '', 'error', '', 'updated_at', stamp(at))
if usable(KEYS[9], 'zset') then call('ZADD', KEYS[9], 'NX', at, ID) end
if usable(KEYS[10], 'set') then call('SADD', KEYS[10], ARGV[4]) end
notify('retry', 'dispatched', 'n', ARGV[4])
if verdict then
  call('HDEL', META, 'met')
  call('SADD', KEYS[12], ARGV[4] .. '\n' .. ID)
  call('ZADD', KEYS[8], at + 60000, ID)
  return { 'WAITS', ARGV[5], '.' }
end
if KEYS[11] then set_meta('met', '1') end
local due = number(meta('not_before'))
if due and due > at then
  call('ZADD', KEYS[8], due, ID)
  return { 'OK', meta('not_before'), '.' }
end
enqueue(KEYS[6], KEYS[7], ID, meta('priority'))
return { 'OK', '.' }
