-- start: makes one instance the owner of a new attempt, or ends a job that was cancelled before or cannot be run.
--
-- KEYS  1-5 job meta out after events  6 claim  7 attempts  8 instance  9 jobs
-- ARGV  1-3 id channel keep  4 instance  5 nonce  6 runner  7 '1': also a job for another runner
--       8 the last `seq` that was reported to the caller
-- FIELDS, names of the job's fields, and limits in bytes precede this text: LIMIT of a payload and of an environment,
-- DETAILS of all the rest together, STRING of a job that is a string.
-- reply OK         token, attempt, `seq` of the instance, values of FIELDS (null: absent), then the fields of meta
--       HELD       the same: this instance owns the attempt already (a reply was lost, the id was queued twice, or an
--                  earlier process of the instance died before it launched it)
--       FENCED     another process owns the instance
--       LOST       Redis went back behind the `seq` that it had reported
--       GONE       the id is not claimed
--       MISSING    there is no such job
--       JSON       the job is this string
--       BADTYPE    the job, or meta, is of this type
--       FINAL      it has ended; the claim is dropped
--       DUP        it runs, maybe elsewhere and with a status that another program wrote back; the claim is dropped
--       BADSTATUS  its status is this word
--       OTHER      it is for this runner
--       WAITS      it waits for other jobs; the claim is dropped
--       PARKED     this limit of it is reached; the claim is dropped, and it is queued again when a permit is returned
--       FULL       the limit of its queue is reached; it is next in the queue again
--       CANCELLED  it was ended, as requested before, also for its whole batch; then the ended jobs for which
--                  others still wait
--       TOOBIG     the same, because of its size

local CLAIM, ATTEMPTS, INSTANCE, JOBS = unpack(KEYS, 6, 9)
local instance, nonce, runner = ARGV[4], ARGV[5], ARGV[6]

local bad = unfit(CLAIM, 'list') or unfit(ATTEMPTS, 'hash') or refused(INSTANCE, nonce, ARGV[8])
if bad then return bad end
local here = SEEN.instances[INSTANCE]
local found = type_of(JOB)

local function owned(kind, token, attempt, values)
  local reply = { kind, token, attempt, here.seq }
  for _, value in ipairs(values) do reply[#reply + 1] = value end
  for name, value in pairs(with_shared(ID, all_meta())) do
    reply[#reply + 1] = name
    reply[#reply + 1] = value
  end
  reply[#reply + 1] = '.'
  return reply
end

local held = call('HGET', ATTEMPTS, ID)
if held and found == 'hash' and meta('token') == held then
  call('LREM', CLAIM, -1, ID)
  return owned('HELD', held, meta('attempt'), call('HMGET', JOB, unpack(FIELDS)))
end
-- the attempt was revoked from this instance
if held and meta('token') and meta('token') ~= held then let_go(ATTEMPTS, held) end
-- Returns a reply that leaves the claim as it is; GONE when there is none.
local function left(...)
  return call('LPOS', CLAIM, ID, 'RANK', -1) and { ... } or { 'GONE', '.' }
end
-- Drops the claim and returns the reply; GONE when there is none.
local function dropped(reply)
  return call('LREM', CLAIM, -1, ID) > 0 and reply or { 'GONE', '.' }
end
if not META then return left('BADTYPE', meta_type, '.') end
if found == 'none' then return left('MISSING', '.') end
if found == 'string' then
  local size = call('STRLEN', JOB)
  if size > STRING then return left('BADTYPE', 'string of ' .. size .. ' bytes', '.') end
  return left('JSON', call('GET', JOB), '.')
end
if found ~= 'hash' then return left('BADTYPE', found, '.') end

local now = call('HMGET', JOB, 'status', 'runner')
local state = now[1] or ''
if is_final(state) then
  count(ID, all_meta(), state)
  return dropped({ 'FINAL', '.' })
end
if state == 'started' then return dropped({ 'DUP', '.' }) end
if state ~= '' and state ~= 'dispatched' then return left('BADSTATUS', string.sub(state, 1, 100), '.') end
if ARGV[7] ~= '1' and now[2] and now[2] ~= '' and now[2] ~= runner then
  return left('OTHER', string.sub(now[2], 1, 1000), '.')
end
-- another program has queued it too early
if next(open_conditions(all_meta())) then
  local reply, delay = dropped({ 'WAITS', '.' }), key_of('delay', (now[2] or '') ~= '' and now[2] or runner)
  if usable(delay, 'zset') then call('ZADD', delay, 'NX', clock() + 60000, ID) end
  return reply
end
local limits, owner = limits_of(ID, all_meta()), owner_of(ATTEMPTS)
bad = unfit_limits(limits, owner, runner)
if bad then return bad end
-- N and revision of the limit of this queue, when it has one
local queue_limit
if here.limited then
  local queue, key = key_of('queue', runner), 'runner:' .. runner
  local n, revision = size_of(key)
  bad = unfit(queue, 'list') or unfit(key_of('held', owner), 'hash')
  if bad then return bad end
  if used_of(runner) >= n then
    local reply = dropped({ 'FULL', '.' })
    if reply[1] ~= 'FULL' then return reply end
    call('RPUSH', queue, ID)
    event(EVENTS, 'release', 'id', ID, 's', 'dispatched')
    return reply
  end
  queue_limit = string.format('%.0f %s %s', n, revision, key)
end
if call('LREM', CLAIM, -1, ID) == 0 then return { 'GONE', '.' } end

local at = clock()
local reason, last = meta('cancel'), meta('token')
-- Returns whether an instance holds the newest attempt, which has no end. It then goes on: another program wrote back
-- what it had read before the start.
local function runs_elsewhere()
  if not last or last == '0' or meta('done') == last or not meta('instance') then return false end
  local prefix = string.sub(ATTEMPTS, 1, #ATTEMPTS - #runner - #instance - 1)
  local key = prefix .. (meta('runner') or runner) .. ':' .. meta('instance')
  return type_of(key) == 'hash' and call('HGET', key, ID) == last
end
if runs_elsewhere() then
  call('HSET', JOB, 'status', 'started', 'updated_at', stamp(at))
  set_meta('foreign_overwrite', (number(meta('foreign_overwrite')) or 0) + 1)
  return { 'DUP', '.' }
end
-- not a request that an earlier attempt has received
if reason and not (last and last ~= '0' and meta('done') == last) then
  leave_parking()
  conclude('start', cancelled(reason), 130, at)
  pass_on(limits)
  return with_open({ 'CANCELLED' })
end
local stop = stop_of(ID, all_meta())
if stop then
  if stop.skipped then set_meta('skipped', '1') end
  leave_parking()
  conclude('start', stop.why, stop.exit, at)
  pass_on(limits)
  return with_open({ 'CANCELLED' })
end
local function too_big(what, size, limit)
  leave_parking()
  conclude('start', 'not started: its ' .. what .. size .. ' bytes, more than ' .. limit, 1, at)
  pass_on(limits)
  return with_open({ 'TOOBIG' })
end
for _, field in ipairs({ 'payload', 'env_vars' }) do
  local size = call('HSTRLEN', JOB, field)
  if size > LIMIT then return too_big(field .. ' has ', size, LIMIT) end
end
local values, rest = call('HMGET', JOB, unpack(FIELDS)), 0
for i, name in ipairs(FIELDS) do
  if name ~= 'payload' and name ~= 'env_vars' then rest = rest + #(values[i] or '') end
  if name == 'status' then values[i] = 'started' end
  if name == 'updated_at' then values[i] = stamp(at) end
end
for name, value in pairs(all_meta()) do
  if name ~= 'raw' then rest = rest + #name + #value end
end
if rest > DETAILS then return too_big('fields and labels, without payload and environment, have ', rest, DETAILS) end

local full = #limits > 0 and first_full(limits)
if full then
  park(full, runner)
  pass_on(limits, full)
  return { 'PARKED', full, '.' }
end

local attempt = string.format('%.0f', math.floor(number(meta('attempt')) or 0) + 1)
-- meta may have left with an earlier job of this id: the count begins anew, but no token may repeat
local token = attempt .. '.' .. nonce .. string.format('%x', at)
note_earlier()
-- fields that an earlier attempt has left; a foreign program may have made an ended job wait again
if meta_type == 'hash' then
  local stale = { 'exit', 'ended_ms', 'ms', 'output_bytes', 'truncated', 'left', 'input_ms', 'input_line', 'cancel',
    'skipped', 'permits' }
  for _, name in ipairs(stale) do
    if meta(name) then
      call('HDEL', META, name)
      fields[name] = nil
    end
  end
  if call('PERSIST', META) == 1 then
    call('PERSIST', JOB)
    call('PERSIST', OUT)
  end
end
set_meta('attempt', attempt, 'token', token, 'instance', instance, 'nonce', nonce, 'runner', runner, 'started_ms', at)
-- an entry of an earlier job of this id
if held then let_go(ATTEMPTS, held) end
leave_parking()
call('HSET', ATTEMPTS, ID, token)
take(limits, owner, token, queue_limit)
-- an event moves some jobs only: one that starts has the next one moved while permits are free
pass_on(limits)
-- once for a command: when Redis loses it, it loses all its steps
if not here.raised then
  here.seq = call('HINCRBY', INSTANCE, 'seq', 1)
  here.raised = true
end
call('HSET', JOB, 'status', 'started', 'updated_at', stamp(at))
if usable(JOBS, 'zset') then call('ZADD', JOBS, 'NX', at, ID) end
notify('start', 'started', 'n', runner, 'i', instance, 'a', attempt)
return owned('OK', token, attempt, values)
