-- submit: writes the job and puts its id into the queue, or among the delayed jobs.
--
-- KEYS  1-5 job meta out after events  6 queue  7 low  8 delay  9 jobs  10 names
--       when it waits for another job: 11 that job  12 its waiters
-- ARGV  1-3 id channel keep  4 runner  5 priority  6 not before, ms or ''  7 id of the job it waits for, or ''
--       8 caller_id  9 context_id  10 executor  11 payload  12 timeout  13 env_vars
--       14 the most jobs that may wait already, or '', then fields of meta
-- reply OK      it is queued, delayed, or ended at once because of the job it waits for
--       EXISTS  a job of this id exists; nothing was changed
--       FULL    that many jobs wait already, delayed ones included, or more: how many; nothing was changed

local QUEUE, LOW, DELAY, JOBS, NAMES, AWAITED, WAITERS = unpack(KEYS, 6, 12)

if type_of(JOB) ~= 'none' then return { 'EXISTS', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(QUEUE, 'list') or unfit(LOW, 'list') or unfit(DELAY, 'zset')
  or (WAITERS and unfit(WAITERS, 'set'))
if bad then return bad end
local limit = number(ARGV[14])
local waiting = limit and call('LLEN', QUEUE) + call('LLEN', LOW) + call('ZCARD', DELAY)
if limit and waiting >= limit then return { 'FULL', waiting, '.' } end

local runner, priority, due = ARGV[4], ARGV[5], number(ARGV[6])
local wait = nil
if AWAITED then wait = awaited(AWAITED, ARGV[7]) end
local attempt = meta('attempt')
local at = clock()

-- the first write frees no memory: at its memory limit Redis must refuse new jobs
local created = stamp(at)
call('HSET', JOB, 'id', ID, 'caller_id', ARGV[8], 'context_id', ARGV[9], 'runner', runner, 'executor', ARGV[10],
  'payload', ARGV[11], 'status', 'dispatched', 'result', '', 'error', '', 'timeout', ARGV[12], 'env_vars', ARGV[13],
  'created_at', created, 'updated_at', created)
-- left by a deleted job of the same id: the count of attempts goes on, so that an old attempt stays fenced
call('DEL', META, OUT)
if attempt then set_meta('attempt', attempt) end
fill(META, ARGV, 15, #ARGV)
fields, meta_type = nil, 'hash' -- forgets what was read before
if AWAITED and not wait then set_meta('met', '1') end

if usable(JOBS, 'zset') then call('ZADD', JOBS, at, ID) end
if usable(NAMES, 'set') then call('SADD', NAMES, runner) end
if type(wait) == 'string' then
  conclude('submit', wait, 1, at)
  return { 'OK', '.' }
end
if wait then
  call('SADD', WAITERS, runner .. '\n' .. ID)
  call('ZADD', DELAY, at + 60000, ID)
elseif due and due > at then
  call('ZADD', DELAY, due, ID)
else
  enqueue(QUEUE, LOW, ID, priority)
end
notify('submit', 'dispatched', 'n', runner)
return { 'OK', '.' }
