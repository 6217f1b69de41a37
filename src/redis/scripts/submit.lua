-- submit: writes the job and puts its id into the queue, or among the delayed jobs.
--
-- KEYS  1-5 job meta out after events  6 queue  7 low  8 delay  9 jobs  10 names  11 parked
-- ARGV  1-3 id channel keep  4 runner  5 priority  6 not before, ms or ''  7 number of jobs for which it waits, or ''
--       8 caller_id  9 context_id  10 executor  11 payload  12 timeout  13 env_vars
--       14 the most jobs that may wait already, or '', then fields of meta, of which those of the jobs for which it
--       waits are the first
-- reply OK      it is queued, delayed, or ended at once because of a job for which it waits
--       EXISTS  a job or a batch of this id exists; nothing was changed
--       ORPHAN  it is to wait for a job of this id, which does not exist; nothing was changed
--       FULL    that many jobs wait already, delayed and parked ones included, or more: how many; nothing was changed

local QUEUE, LOW, DELAY, JOBS, NAMES, PARKED = unpack(KEYS, 6, 11)

if call('EXISTS', JOB, key_of('batch', ID)) > 0 then return { 'EXISTS', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(QUEUE, 'list') or unfit(LOW, 'list') or unfit(DELAY, 'zset')
if bad then return bad end
local open, blocked, refusal = check_parents(ARGV, 15, 14 + 2 * (tonumber(ARGV[7]) or 0))
if refusal then return refusal end
local limit = number(ARGV[14])
local waiting = limit and call('LLEN', QUEUE) + call('LLEN', LOW) + call('ZCARD', DELAY)
  + (usable(PARKED, 'zset') and call('ZCARD', PARKED) or 0)
if limit and waiting >= limit then return { 'FULL', waiting, '.' } end

local runner, priority, due = ARGV[4], ARGV[5], number(ARGV[6])
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
fields, meta_type = { attempt = attempt }, 'hash'
for i = 15, #ARGV, 2 do fields[ARGV[i]] = ARGV[i + 1] end

if usable(JOBS, 'zset') then call('ZADD', JOBS, at, ID) end
if usable(NAMES, 'set') then call('SADD', NAMES, runner) end
notify('submit', 'dispatched', 'n', runner)
if blocked then
  skip(ID, runner, all_meta(), blocked[1], blocked[2])
  return { 'OK', '.' }
end
if #open > 0 then
  for _, parent in ipairs(open) do call('SADD', key_of('after', parent), runner .. '\n' .. ID) end
  call('ZADD', DELAY, at + 60000, ID)
elseif due and due > at then
  call('ZADD', DELAY, due, ID)
else
  for i = 15, #ARGV, 2 do
    if ARGV[i] == 'limits' or ARGV[i] == 'own_limit' then note_rank(ID, all_meta()) end
  end
  enqueue(QUEUE, LOW, ID, priority)
end
return { 'OK', '.' }
