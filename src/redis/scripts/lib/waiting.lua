-- Follows permits.lua: which jobs wait for others, and what becomes of them when one of these ends. DEFAULT_KEEP and
-- SKIPPED, an exit code, precede this text.
--
-- The record of a job has a field `after:ID` for each job that it waits for, with the condition: finished, or ended.
-- When that is met, the field becomes `met:ID`, in the event that ends the other job.

-- The most jobs that one event queues or ends because of another one.
local PAGE = 100

-- Returns the state of a job or a batch; nil when it is gone. Another program may keep a job as a JSON string.
local function state_of(id)
  local key = key_of('job', id)
  local found = type_of(key)
  if found == 'hash' then return call('HGET', key, 'status') or '' end
  if found == 'none' then return state_of_batch(id) end
  if found ~= 'string' then return nil end
  local ok, job = pcall(cjson.decode, call('GET', key))
  return ok and type(job) == 'table' and type(job.status) == 'string' and job.status or ''
end

-- Returns whether a condition is met: 'met', 'wait' or 'never'.
local function verdict(condition, state)
  if state == 'finished' or (state == 'error' and condition == 'ended') then return 'met' end
  return (state == nil or state == 'error') and 'never' or 'wait'
end

-- Returns, by id, the conditions that a record has under a prefix.
local function conditions(record, prefix)
  local found = {}
  for name, condition in pairs(record) do
    if string.sub(name, 1, #prefix) == prefix then found[string.sub(name, #prefix + 1)] = condition end
  end
  return found
end

-- Returns the conditions for which the job of a record waits. A further attempt does not wait again, except after
-- `retry`, which resets the token.
local function open_conditions(record)
  return (not record.token or record.token == '0') and conditions(record, 'after:') or {}
end

-- Checks the jobs for which a new one is to wait: names and conditions in the arguments from one to another, of which
-- those that are met get their new name. Returns the ids of those that have not ended, one that never will meet its
-- condition, with its state, and the refusal.
local function check_parents(args, from, to)
  local open, blocked = {}, nil
  for i = from, to, 2 do
    local parent = string.sub(args[i], #'after:' + 1)
    local state = state_of(parent)
    if not state then return nil, nil, { 'ORPHAN', parent, '.' } end
    local result = verdict(args[i + 1], state)
    if result == 'met' then args[i] = 'met:' .. parent end
    if result == 'never' then blocked = { parent, state } end
    if result == 'wait' then
      local bad = unfit(key_of('after', parent), 'set')
      if bad then return nil, nil, bad end
      open[#open + 1] = parent
    end
  end
  return open, blocked
end

-- Records that a job was skipped because of another one, for a retry of both.
local function note_skipped(parent, id)
  local key = key_of('skipped', parent)
  if not usable(key, 'set') then return end
  call('SADD', key, id)
  call('PEXPIRE', key, DEFAULT_KEEP)
end

-- Says why a job is skipped.
local function reason_of(parent, condition, state)
  return 'skipped: job "' .. parent .. '", which must ' .. (condition == 'ended' and 'end' or 'finish') .. ' first, '
    .. (state and 'ended with error' or 'is gone')
end

-- Ends a waiting job with an error; `name` is the event, `exit` the exit code.
local function end_waiting(name, id, runner, record, why, exit)
  local job, at = key_of('job', id), clock()
  call('HSET', job, 'status', 'error', 'error', why, 'updated_at', stamp(at))
  call('HSET', key_of('meta', id), 'exit', exit, 'ended_ms', at)
  local seconds = number(own_or_shared(id, record, 'keep'))
  expire(seconds and seconds * 1000 or DEFAULT_KEEP, job, key_of('meta', id), key_of('output', id))
  count(id, record, 'error')
  event(EVENTS, name, 'id', id, 's', 'error', 'n', runner)
  call('PUBLISH', key_of('channel', id), 'error')
end

-- Returns how a member ends because its batch is to stop; nil when it is not.
local function stop_of(id, record)
  local batch = place_of(id, record)
  local known = batch and record_of(batch) or {}
  if not known.stopping then return nil end
  if known.stopping == 'cancel' then return { why = cancelled(known.reason or ''), exit = 130 } end
  return { why = 'skipped: ' .. (known.reason or ''), exit = SKIPPED, skipped = true }
end

-- Ends a waiting job that can never start.
local function skip(id, runner, record, parent, state)
  local why = reason_of(parent, record['after:' .. parent] or record['met:' .. parent], state)
  call('HSET', key_of('meta', id), 'skipped', '1')
  end_waiting('skipped', id, runner, record, why, SKIPPED)
  note_skipped(parent, id)
end

-- Queues a job that waits for no other one any more, or delays it until its time.
local function queue_or_delay(id, runner, record)
  local not_before = number(own_or_shared(id, record, 'not_before'))
  if not_before and not_before > clock() then
    call('ZADD', key_of('delay', runner), not_before, id)
    return false
  end
  call('ZREM', key_of('delay', runner), id)
  note_rank(id, record)
  enqueue(key_of('queue', runner), key_of('low', runner), id, own_or_shared(id, record, 'priority'))
  event(EVENTS, 'promote', 'id', id, 's', 'dispatched', 'n', runner)
  call('PUBLISH', key_of('channel', id), 'dispatched')
  return true
end

-- Strikes a parent whose condition is met off a record.
local function strike(id, record, parent)
  local meta, condition = key_of('meta', id), record['after:' .. parent]
  call('HDEL', meta, 'after:' .. parent)
  call('HSET', meta, 'met:' .. parent, condition)
  record['after:' .. parent], record['met:' .. parent] = nil, condition
end

-- Does what the end of a job means for one that waits for it. Returns the verdict; nil when it does not wait for it.
local function settle_one(member, parent, state, only_met)
  local runner, id = string.match(member, '^([^\n]*)\n(.*)$')
  local job, meta = key_of('job', id or ''), key_of('meta', id or '')
  if not id or type_of(job) ~= 'hash' or type_of(meta) ~= 'hash' then return nil end
  local found, record = call('HGETALL', meta), {}
  for i = 1, #found, 2 do record[found[i]] = found[i + 1] end
  local condition = record['after:' .. parent]
  if not condition then return nil end
  local result, status = verdict(condition, state), call('HGET', job, 'status')
  if is_final(status) or status == 'started' or not open_conditions(record)[parent] then
    if record.skipped and is_final(status) and result == 'never' then note_skipped(parent, id) end
    return nil
  end
  local delay = key_of('delay', runner)
  local unusable = unfit(delay, 'zset') or unfit(key_of('queue', runner), 'list') or
    unfit(key_of('low', runner), 'list')
  -- the next look at the job, in a minute, reports it
  if unusable or (only_met and result ~= 'met') then return nil end
  if result == 'met' then
    strike(id, record, parent)
    if not next(open_conditions(record)) then queue_or_delay(id, runner, record) end
  elseif result == 'never' then
    call('ZREM', delay, id)
    skip(id, runner, record, parent, state)
  end
  return result
end

-- Settles up to PAGE jobs that wait for ended ones, and for those that are skipped on the way. Returns the ended jobs
-- for which others still wait; any runner goes on with these.
local function settle(ended)
  local at, left = 1, PAGE
  while ended[at] and left > 0 do
    local parent = ended[at]
    local state = state_of(parent)
    local members = redis.pcall('SPOP', key_of('after', parent), left)
    for _, member in ipairs(members.err and {} or members) do
      left = left - 1
      if settle_one(member, parent, state) == 'never' then
        ended[#ended + 1] = string.match(member, '\n(.*)$')
      end
    end
    while COMPLETE[1] do ended[#ended + 1] = table.remove(COMPLETE, 1) end
    if left > 0 then at = at + 1 end
  end
  local open = {}
  for i = at, #ended do
    if type_of(key_of('after', ended[i])) == 'set' then
      open[#open + 1] = ended[i]
      -- its end must be known until all are settled
      for _, kind in ipairs({ 'job', 'meta', 'batch' }) do call('PEXPIRE', key_of(kind, ended[i]), DAY, 'GT') end
      call('PEXPIRE', key_of('after', ended[i]), DAY)
    end
  end
  local key = key_of('unsettled', '')
  if usable(key, 'set') then
    if at > 1 then call('SREM', key, unpack(ended, 1, at - 1)) end
    if #open > 0 then call('SADD', key, unpack(open)) end
  end
  return open
end

-- Settles the jobs that waited for the end of this one, or of the batch that it completes, and ends a reply with what
-- is left to settle: ended jobs for which others still wait, and batches whose members are to end.
local function with_open(reply)
  local ended = {}
  if awaits ~= false and type_of(AFTER) == 'set' then ended[1] = ID end
  while COMPLETE[1] do ended[#ended + 1] = table.remove(COMPLETE, 1) end
  for _, id in ipairs(#ended > 0 and settle(ended) or {}) do reply[#reply + 1] = id end
  for _, batch in ipairs(STOPPING) do reply[#reply + 1] = batch end
  reply[#reply + 1] = '.'
  return reply
end
