-- Precedes job.lua: batches and their members. NAMED, EVENTS and `key_of` precede this text.
--
-- A member of a batch has the id BATCH.INDEX, and in its metadata the field `as`: the state as which the record of its
-- batch counts it, '' when as none: q (queued; short, because most members have it), started, ok, failed:CODE,
-- timed-out, cancelled, lost, skipped. What all members share is stored once, in the record: `of:NAME`, which stands
-- for the field NAME of the metadata of a member that has none. A job without `as` is no member, and costs no call
-- here.

-- Returns batch and index of a member; nil for any other job.
local function place_of(id, record)
  if not record.as then return nil end
  return string.match(id, '^(.+)%.(%d+)$')
end

-- The records of batches, as they were at the begin of the step.
local RECORDS = {}
local function record_of(batch)
  if not RECORDS[batch] then
    local found, record = redis.pcall('HGETALL', key_of('batch', batch)), {}
    for i = 1, found.err and 0 or #found, 2 do record[found[i]] = found[i + 1] end
    RECORDS[batch] = record
  end
  return RECORDS[batch]
end

-- Returns a field of a job's metadata, or what it shares with the other members of its batch.
local function own_or_shared(id, record, name)
  if record[name] or not record.as then return record[name] end
  local batch = place_of(id, record)
  return batch and record_of(batch)['of:' .. name]
end

-- Adds what a member shares with the others to its metadata.
local function with_shared(id, record)
  local batch = place_of(id, record)
  for name, value in pairs(batch and record_of(batch) or {}) do
    local own = string.match(name, '^of:(.*)$')
    if own and not record[own] then record[own] = value end
  end
  return record
end

-- Returns the state as which an ended job is counted, as src/client/job_view.ts has it; one that failed with its exit
-- code.
local function ending_of(record, status, why)
  if status == 'finished' then return 'ok' end
  local word = string.match(why, '^[%w_]+')
  if record.skipped == '1' or word == 'skipped' then return 'skipped' end
  if string.match(why, '^timed out%f[^%w_]') then return 'timed-out' end
  if word == 'cancelled' or word == 'lost' then return word end
  local exit = number(record.exit)
  return 'failed:' .. (exit and exit > 0 and exit < 256 and math.floor(exit) or 1)
end

local function is_final(state)
  return state == 'finished' or state == 'error'
end

local function is_open_word(word)
  return word == 'q' or word == 'started'
end

-- Batches that became complete in this step, and those of which `settle` is to end members.
local COMPLETE, STOPPING = {}, {}

-- Marks a batch: `settle` ends its members page by page, as cancelled or skipped, and it gets no further ones.
local function stop_batch(batch, how, reason)
  call('HSET', key_of('batch', batch), 'stopping', how, 'reason', reason, 'cursor', '0', 'closed', '1')
  if usable(key_of('unsettled', ''), 'set') then call('SADD', key_of('unsettled', ''), batch) end
  STOPPING[#STOPPING + 1] = batch
end

-- Returns a number of a record; 0 for what is none, which another program has written.
local function amount(text)
  return number(text) or 0
end

-- Returns the state of a batch as that of a job: it has finished when all its members have, which is unknown of one
-- that was rebuilt. nil when there is none.
local function state_of_batch(batch)
  local key = key_of('batch', batch)
  if type_of(key) ~= 'hash' then return nil end
  local known = call('HMGET', key, 'stored', 'closed', 'n:q', 'n:started', 'n:ok', 'rebuilt')
  if known[2] ~= '1' or amount(known[3]) > 0 or amount(known[4]) > 0 then return 'started' end
  return not known[6] and (known[5] or '0') == (known[1] or '0') and 'finished' or 'error'
end

-- Notes that all members of a batch have ended. Its record expires after them.
local function complete_batch(batch)
  local key, after = key_of('batch', batch), key_of('after', batch)
  local till = call('HGET', key, 'till')
  if till ~= 'ever' then till = number(till) or clock() + 86400000 end
  if till == 'ever' then call('PERSIST', key) else call('PEXPIRE', key, math.max(1, till + 1000 - clock())) end
  if call('PEXPIRE', after, 86400000) == 1 and usable(key_of('unsettled', ''), 'set') then
    call('SADD', key_of('unsettled', ''), batch)
  end
  event(EVENTS, 'batch_ended', 'id', batch, 's', state_of_batch(batch))
  call('PUBLISH', key_of('channel', batch), 'ended')
  COMPLETE[#COMPLETE + 1] = batch
end

-- Makes a record for a batch of which Redis has lost it; it has as many members as the highest index that was found.
local function rebuild(batch, index, is_new)
  call('HSET', key_of('batch', batch), 'rebuilt', '1', 'size', index, 'stored', index, 'closed', '1')
  if not is_new then return end
  call('HSET', key_of('batch', batch), 'created_ms', clock())
  if usable(key_of('batches', ''), 'zset') then call('ZADD', key_of('batches', ''), clock(), batch) end
end

-- Returns the later one of two times until which keys are kept.
local function later(a, b)
  if a == 'ever' or b == 'ever' then return 'ever' end
  return math.max(number(a) or 0, number(b) or 0)
end

local function is_failure(word)
  return string.sub(word, 1, 7) == 'failed:' or word == 'timed-out' or word == 'lost'
end

-- Counts `number_of` members of a batch as another word. `old` is '' when they were not counted, `index` is the last
-- one of them, whose job is of the given id.
local function move(batch, old, word, number_of, index, id)
  local key = key_of('batch', batch)
  local known = call('HMGET', key, 'size', 'closed', 'n:q', 'n:started', 'n:' .. word, 'n:' .. old, 'till',
    'stop_after', 'failures', 'stopping', 'rebuilt', 'begun_ms', 'recent')
  if not known[1] or (known[11] and tonumber(index) > amount(known[1])) then
    rebuild(batch, index, not known[1])
    known[2] = '1'
  end
  if not known[1] then old = '' end
  local n = { q = amount(known[3]), started = amount(known[4]) }
  n[word], n[old] = amount(known[5]) + number_of, amount(known[6]) - number_of
  local set = { 'n:' .. word, n[word] }
  local function put(name, value)
    set[#set + 1], set[#set + 2] = name, value
  end
  if old ~= '' then put('n:' .. old, n[old]) end
  if word == 'started' and not known[12] then put('begun_ms', clock()) end
  local failures = amount(known[9])
  if is_failure(old) ~= is_failure(word) then
    failures = failures + (is_failure(word) and number_of or -number_of)
    put('failures', failures)
  end
  local ended = not is_open_word(word)
  if ended then
    local left = call('PTTL', key_of('job', id))
    put('till', later(known[7], left == -1 and 'ever' or clock() + math.max(left, 0)))
    put('ended_ms', clock())
    -- the newest twenty that have not succeeded, for people
    if word ~= 'ok' then put('recent', string.match(index .. ' ' .. (known[13] or ''), ('%d* ?'):rep(20))) end
  end
  call('HSET', key, unpack(set))
  if not ended and old ~= '' and not is_open_word(old) then call('PERSIST', key) end
  local limit = number(known[8])
  if limit and limit > 0 and is_failure(word) and failures >= limit and not known[10] then
    stop_batch(batch, 'skip', failures .. ' members of its batch have failed')
    known[2] = '1'
  end
  if ended and known[2] == '1' and n.q <= 0 and n.started <= 0 then complete_batch(batch) end
end

-- Counts a member as another word. `record` is its metadata.
local function count_as(id, record, word)
  local batch, index = place_of(id, record)
  if word == record.as or not batch or not usable(key_of('batch', batch), 'hash') then return end
  move(batch, record.as, word, 1, index, id)
  call('HSET', key_of('meta', id), 'as', word)
  record.as = word
end

-- Counts a member by the state that it has now.
local function count(id, record, state)
  if not record.as then return end
  if state == 'dispatched' or state == 'started' then
    return count_as(id, record, state == 'started' and 'started' or 'q')
  end
  local now = call('HMGET', key_of('job', id), 'status', 'error')
  if is_final(now[1]) then count_as(id, record, ending_of(record, now[1], now[2] or '')) end
end
