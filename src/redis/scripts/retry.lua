-- retry: puts an ended job back into its queue, for a new attempt. The count of attempts goes on, so that those before stay
-- fenced, also one that still runs because another program ended the job.
--
-- KEYS  1-5 job x out after events  6 queue  7 low  8 delay  9 jobs  10 names
-- ARGV  1-3 id channel keep  4 runner
-- reply OK       it is queued
--       ALIVE    it has not ended; its status
--       MISSING  there is no such job

local found = type_of(JOB)
if found == 'string' then return { 'ALIVE', 'dispatched', '.' } end
if found ~= 'hash' then return { 'MISSING', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(KEYS[6], 'list') or unfit(KEYS[7], 'list') or unfit(KEYS[8], 'zset')
if bad then return bad end
local state = call('HGET', JOB, 'status') or ''
if not is_terminal(state) then return { 'ALIVE', state == '' and 'dispatched' or state, '.' } end

local at = clock()
-- a job that was cancelled before it started is still in a list
call('LREM', KEYS[6], 0, ID)
call('LREM', KEYS[7], 0, ID)
if usable(OUT, 'stream') then call('DEL', OUT) end
call('ZREM', KEYS[8], ID)
call('HDEL', X, 'exit', 'ended_ms', 'ms', 'output_bytes', 'truncated', 'cancel', 'lost', 'rerouted', 'last_error')
if side('token') then record('token', '0') end
for _, key in ipairs({ JOB, X, AFTER }) do call('PERSIST', key) end
call('HSET', JOB, 'status', 'dispatched', 'result', '', 'error', '', 'updated_at', stamp(at))
if usable(KEYS[9], 'zset') then call('ZADD', KEYS[9], 'NX', at, ID) end
if usable(KEYS[10], 'set') then call('SADD', KEYS[10], ARGV[4]) end
enqueue(KEYS[6], KEYS[7], ID, side('priority'))
tell('retry', 'dispatched', 'n', ARGV[4])
return { 'OK', '.' }
