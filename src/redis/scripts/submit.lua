-- submit: writes the job and puts its id into the queue, or among the delayed jobs.
--
-- KEYS  1-5 job x out after events  6 queue  7 low  8 delay  9 jobs  10 names
--       when it waits for another job: 11 that job  12 its waiters
-- ARGV  1-3 id channel keep  4 runner  5 priority  6 not before, ms or ''  7 id of the job it waits for, or ''
--       8 number of arguments that are fields of the job, then these, then fields of x
-- reply OK      it is queued, delayed, or ended at once because of the job it waits for
--       EXISTS  the job key is taken; nothing was changed

if type_of(JOB) ~= 'none' then return { 'EXISTS', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(KEYS[6], 'list') or unfit(KEYS[7], 'list') or unfit(KEYS[8], 'zset')
  or (KEYS[12] and unfit(KEYS[12], 'set'))
if bad then return bad end

local runner, priority, due = ARGV[4], ARGV[5], number(ARGV[6])
local wait = nil
if KEYS[11] then wait = awaited(KEYS[11], ARGV[7]) end
local attempt = side('attempt')
local at = clock()

-- not a write that frees: at its memory limit Redis shall refuse new jobs
call('HSET', JOB, 'status', 'dispatched', 'created_at', stamp(at), 'updated_at', stamp(at))
local last = 8 + ARGV[8]
for i = 9, last, 2 do call('HSET', JOB, ARGV[i], ARGV[i + 1]) end
-- left by a job of the same id that somebody deleted: the count of attempts goes on, so that an old attempt stays fenced
call('DEL', X)
if attempt then record('attempt', attempt) end
for i = last + 1, #ARGV, 2 do record(ARGV[i], ARGV[i + 1]) end
call('DEL', OUT)

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
tell('submit', 'dispatched', 'n', runner)
return { 'OK', '.' }
