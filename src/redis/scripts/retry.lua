-- retry: puts an ended job back into its queue, for a new attempt. The count of attempts goes on, so that those before
-- stay fenced, also one that still runs because another program ended the job.
--
-- A job that waited for others waits again for those that have not met its condition. One that had met it and is gone
-- counts as met.
--
-- KEYS  1-5 job meta out after events  6 queue  7 low  8 delay  9 jobs  10 names
-- ARGV  1-3 id channel keep  4 runner  5 '1': the end of this job has been settled for those whose condition it met
--       6 '1': the job was skipped; when it would be again, its error names the reason of now
-- reply OK       it is queued; for one that is delayed also its due time, ms
--       WAITS    it waits for other jobs: their ids
--       NEVER    it would not start, because of another job: the id of that one, then 'error', or '' when it does not
--                exist; nothing else was changed
--       SETTLE   other jobs wait for the end of this one: `settle` those whose condition it met, then call again
--       ALIVE    it has not ended: its status
--       MISSING  there is no such job
--       EMPTY    it has no payload: Redis had lost the job, and only its end was restored

local QUEUE, LOW, DELAY, JOBS, NAMES = unpack(KEYS, 6, 10)

local found = type_of(JOB)
if found == 'string' then return { 'ALIVE', 'dispatched', '.' } end
if found ~= 'hash' then return { 'MISSING', '.' } end
local bad = unfit(KEYS[2], 'hash') or unfit(QUEUE, 'list') or unfit(LOW, 'list') or unfit(DELAY, 'zset')
if bad then return bad end
local state = call('HGET', JOB, 'status') or ''
if not is_final(state) then return { 'ALIVE', state == '' and 'dispatched' or state, '.' } end
if not call('HGET', JOB, 'payload') then return { 'EMPTY', '.' } end
local settled = ARGV[5] == '1'
if not settled and type_of(AFTER) == 'set' then return { 'SETTLE', '.' } end

local waits, met, blocked = {}, {}, nil
local function check(parent, condition, was_met)
  local other = state_of(parent)
  local result = verdict(condition, other)
  if result == 'met' or (was_met and not other) then
    met[parent] = condition
  elseif result == 'wait' then
    waits[parent] = condition
    bad = bad or unfit(key_of('after', parent), 'set')
  else
    blocked = { parent, other }
  end
end
local has_run = meta('token') and meta('token') ~= '0'
for parent, condition in pairs(conditions(all_meta(), 'after:')) do check(parent, condition, has_run) end
for parent, condition in pairs(conditions(all_meta(), 'met:')) do check(parent, condition, true) end
if bad then return bad end
if blocked then
  if ARGV[6] == '1' and meta('skipped') then
    local condition = meta('after:' .. blocked[1]) or meta('met:' .. blocked[1])
    call('HSET', JOB, 'error', reason_of(blocked[1], condition, blocked[2]), 'updated_at', stamp(clock()))
    note_skipped(blocked[1], ID)
  end
  return { 'NEVER', blocked[1], blocked[2] or '', '.' }
end

local at = clock()
-- a job that ended before it started, or between two attempts, may still be in a list
local token = meta('token')
if not token or token ~= meta('done') or meta('last_error') then
  call('LREM', QUEUE, 0, ID)
  call('LREM', LOW, 0, ID)
end
if usable(OUT, 'stream') then call('DEL', OUT) end
call('ZREM', DELAY, ID)
leave_parking()
note_earlier()
call('HDEL', META, 'exit', 'ended_ms', 'ms', 'output_bytes', 'truncated', 'left', 'cancel', 'lost', 'rerouted',
  'last_error', 'skipped', 'permits', 'rank')
fields.rank = nil
if token then set_meta('token', '0') end
call('PERSIST', JOB)
call('PERSIST', META)
if settled then call('PERSIST', AFTER) end
call('HSET', JOB, 'status', 'dispatched', 'result', '', 'error', '', 'updated_at', stamp(at))
if usable(JOBS, 'zset') then call('ZADD', JOBS, 'NX', at, ID) end
if usable(NAMES, 'set') then call('SADD', NAMES, ARGV[4]) end
notify('retry', 'dispatched', 'n', ARGV[4])
for parent in pairs(met) do
  if meta('after:' .. parent) then strike(ID, all_meta(), parent) end
end
if next(waits) then
  local reply = { 'WAITS' }
  for parent, condition in pairs(waits) do
    call('HDEL', META, 'met:' .. parent)
    set_meta('after:' .. parent, condition)
    call('SADD', key_of('after', parent), ARGV[4] .. '\n' .. ID)
    reply[#reply + 1] = parent
  end
  call('ZADD', DELAY, at + 60000, ID)
  reply[#reply + 1] = '.'
  return reply
end
local due = number(meta('not_before'))
if due and due > at then
  call('ZADD', DELAY, due, ID)
  return { 'OK', meta('not_before'), '.' }
end
note_rank(ID, all_meta())
enqueue(QUEUE, LOW, ID, meta('priority'))
return { 'OK', '.' }
