-- submit: writes the job and puts its id into the queue, or among the delayed jobs.
--
-- KEYS  1-5 job meta out after events  6 queue  7 low  8 delay  9 jobs  10 names
--       when it waits for another job: 11 that job  12 its waiters
-- ARGV  1-3 id channel keep  4 runner  5 priority  6 not before, ms or ''  7 id of the job it waits for, or ''
--       8 caller_id  9 context_id  10 executor  11 payload  12 timeout  13 env_vars
--       14 the most jobs that may wait already, or '', then fields of meta
-- reply OK      it is queued, delayed, or ended at once because of the job it waits for
--       EXISTS  the job key is taken; nothing was changed
--       FULL    that many jobs wait already, delayed ones included, or more: how many; nothing was changed

if type_of(JOB) ~= 'none' then return { 'EXISTS', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(KEYS[6], 'list') or unfit(KEYS[7], 'list') or unfit(KEYS[8], 'zset')
  or (KEYS[12] and unfit(KEYS[12], 'set'))
if bad then return bad end
local limit = number(ARGV[14])
local waiting = limit and call('LLEN', KEYS[6]) + call('LLEN', KEYS[7]) + call('ZCARD', KEYS[8])
if limit and waiting >= limit then return { 'FULL', waiting, '.' } end

local runner, priority, due = ARGV[4], ARGV[5], number(ARGV[6])
local wait = nil
if KEYS[11] then wait = awaited(KEYS[11], ARGV[7]) end
local attempt = meta('attempt')
local at = clock()

-- not a write that frees: at its memory limit Redis shall refuse new jobs
local created = stamp(at)
call('HSET', JOB, 'id', ID, 'caller_id', ARGV[8], 'context_id', ARGV[9], 'runner', runner, 'executor', ARGV[10],
  'payload', ARGV[11], 'status', 'dispatched', 'result', '', 'error', '', 'timeout', ARGV[12], 'env_vars', ARGV[13],
  'created_at', created, 'updated_at', created)
-- left by a job of the same id that somebody deleted: the count of attempts goes on, so that an old attempt stays
-- fenced
call('DEL', META, OUT)
if attempt then set_meta('attempt', attempt) end
fill(META, ARGV, 15, #ARGV)
fields, meta_type = nil, 'hash' -- they are others now
if KEYS[11] and not wait then set_meta('met', '1') end

if usable(KEYS[9], 'zset') then call('ZADD', KEYS[9], at, ID) end
if usable(KEYS[10], 'set') then call('SADD', KEYS[10], runner) end
if type(wait) == 'string' then
  conclude('submit', wait, 1, at)
  return { 'OK', '.' }
end
if wait then
  call('SADD', KEYS[12], runner .. '\n' .. ID)
  call('ZADD', KEYS[8], at + 60000, ID)
elseif due and due > at then
  call('ZADD', KEYS[8], due, ID)
else
  enqueue(KEYS[6], KEYS[7], ID, priority)
end
notify('submit', 'dispatched', 'n', runner)
return { 'OK', '.' }
