-- batch_submit: writes the next members of a batch and queues or delays them; the first call makes its record.
--
-- KEYS  1-5 job meta out after events of the id of the batch  6 queue  7 low  8 delay  9 jobs  10 names  11 batch
--       12 batches  13 parked
-- ARGV  1-3 id channel keep  4 digest of the whole submission  5 its number of members  6 index of the first one here
--       7 runner  8 priority  9 not before, ms or ''  10 the most jobs that may wait with these, or ''
--       11 number of arguments that are fields of the record  12 number of those that are conditions of each member
--       13 caller_id  14 context_id  15 executor  16 payload  17 timeout, then these arguments; then for each member
--       env_vars, the number of its own arguments, and these: fields of its metadata, or of the job with "=" in front
-- reply OK       number of members that are stored; then what is left to settle
--       AT       the same, when the call begins elsewhere; nothing was changed
--       OTHER    a batch of this id is another submission
--       TAKEN    a job of this id exists, or of a member a batch; nothing was changed
--       STOPPED  it was cancelled, or too many members have failed: cancel or skip; nothing was changed
--       ORPHAN   the members are to wait for a job of this id, which does not exist; nothing was changed
--       FULL     that many jobs wait already; nothing was changed

local QUEUE, LOW, DELAY, JOBS, NAMES, BATCH, BATCHES, PARKED = unpack(KEYS, 6, 13)
local size, first, runner, priority, due = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8], number(ARGV[9])
local limit = number(ARGV[10])

local bad = unfit(BATCH, 'hash') or unfit(QUEUE, 'list') or unfit(LOW, 'list') or unfit(DELAY, 'zset')
if bad then return bad end
local known = call('HMGET', BATCH, 'digest', 'stored', 'stopping', 'stopped', 'n:q')
local stored = amount(known[2])
if known[2] and known[1] ~= ARGV[4] then return { 'OTHER', '.' } end
if known[2] and (stored == size or stored + 1 ~= first) then return { 'AT', stored, '.' } end
if known[3] or known[4] then return { 'STOPPED', known[3] or known[4], '.' } end
if not known[2] and first ~= 1 then return { 'AT', 0, '.' } end
if not known[2] and call('EXISTS', JOB) > 0 then return { 'TAKEN', ID, '.' } end
local shared = 17 + ARGV[11]
local last = shared + ARGV[12]
local open, blocked, refusal = check_parents(ARGV, shared + 1, last)
if refusal then return refusal end
local waiting = limit and not known[2] and call('LLEN', QUEUE) + call('LLEN', LOW) + call('ZCARD', DELAY)
  + (usable(PARKED, 'zset') and call('ZCARD', PARKED) or 0)
if waiting and waiting + size > limit then return { 'FULL', waiting, '.' } end

-- where the arguments of each member begin
local members, at = {}, last + 1
while ARGV[at] do
  members[#members + 1] = at
  at = at + 2 + ARGV[at + 1]
end
local function id_of(n)
  return ID .. '.' .. string.format('%.0f', stored + n)
end
-- what a deleted job of the same id has left
local left = {}
for n = 1, #members do
  local id = id_of(n)
  local job, metadata = key_of('job', id), key_of('meta', id)
  if call('EXISTS', job, metadata, key_of('batch', id)) > 0 then
    if call('EXISTS', job, key_of('batch', id)) > 0 then return { 'TAKEN', id, '.' } end
    left[id] = redis.pcall('HGET', metadata, 'attempt')
    left[#left + 1] = id
  end
end

local now = clock()
local total = stored + #members
-- the first write frees no memory: at its memory limit Redis must refuse new jobs
call('HSET', BATCH, 'stored', total, 'size', size, 'closed', total >= size and '1' or '', 'n:q',
  amount(known[5]) + #members)
if not known[2] then
  call('HSET', BATCH, 'digest', ARGV[4], 'created_ms', now, 'runner', runner)
  fill(BATCH, ARGV, 18, shared)
  if usable(BATCHES, 'zset') then call('ZADD', BATCHES, now, ID) end
end
for _, id in ipairs(left) do call('DEL', key_of('meta', id), key_of('output', id)) end
local conditions = { 'as', 'q', unpack(ARGV, shared + 1, last) }
local created = stamp(now)
local index = {}
for n, from in ipairs(members) do
  local id = id_of(n)
  local job = { 'id', id, 'caller_id', ARGV[13], 'context_id', ARGV[14], 'runner', runner, 'executor', ARGV[15],
    'payload', ARGV[16], 'status', 'dispatched', 'result', '', 'error', '', 'timeout', ARGV[17], 'env_vars', ARGV[from],
    'created_at', created, 'updated_at', created }
  local own = { unpack(conditions) }
  for i = from + 2, from + 1 + ARGV[from + 1], 2 do
    local field = string.match(ARGV[i], '^=(.*)$')
    local list = field and job or own
    list[#list + 1], list[#list + 2] = field or ARGV[i], ARGV[i + 1]
  end
  call('HSET', key_of('job', id), unpack(job))
  -- the count of attempts of an earlier job goes on, so that an old attempt stays fenced
  if type(left[id]) == 'string' then own[#own + 1], own[#own + 2] = 'attempt', left[id] end
  call('HSET', key_of('meta', id), unpack(own))
  -- in their order, although they are created at the same time
  index[#index + 1], index[#index + 2] = now + n / 4096, id
end
if usable(JOBS, 'zset') then
  for i = 1, #index, 1000 do call('ZADD', JOBS, unpack(index, i, math.min(i + 999, #index))) end
end
if usable(NAMES, 'set') then call('SADD', NAMES, runner) end
event(EVENTS, 'batch_submit', 'id', ID, 's', 'dispatched', 'n', runner)
call('PUBLISH', CHANNEL, 'dispatched')
for n = 1, #members do
  local id = id_of(n)
  if blocked then
    local record = { as = 'q' }
    for i = 3, #conditions, 2 do record[conditions[i]] = conditions[i + 1] end
    skip(id, runner, record, blocked[1], blocked[2])
  elseif #open > 0 then
    for _, parent in ipairs(open) do call('SADD', key_of('after', parent), runner .. '\n' .. id) end
    call('ZADD', DELAY, now + 60000, id)
  elseif due and due > now then
    call('ZADD', DELAY, due, id)
  else
    note_rank(id, { as = 'q' })
    enqueue(QUEUE, LOW, id, priority)
  end
end
awaits = false
return with_open({ 'OK', total })
