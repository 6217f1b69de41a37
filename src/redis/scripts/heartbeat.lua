-- heartbeat: extends the lease and returns orders for the runner.
--
-- KEYS  1 lease  2 instance  3 attempts  4 claim  5 paused  6 delay  7 state of the schedules  8 limits, then job and
--       meta of every attempt
-- ARGV  1 instance  2 nonce  3 ms of a lease  4 state of the instance  5 the last `seq` reported to the caller
--       6 runner, then id and token of every attempt
-- reply OK      Redis' clock in ms, ids in the claim list, 1 when Redis counts other attempts, 1 when the queue is
--               paused, 1 when the lease of another instance has ended, ms until the first delayed job is due or '',
--               the new `seq`, -1 when Redis went back behind the one that it had reported, its history, '' without
--               schedules, else birth and version of the schedules and ms until one is due or '', with a blank between,
--               then triples: fenced id token, unknown id '', cancel id reason
--       LOST    Redis lost the instance: register again
--       FENCED  another process owns the instance

local LEASE, INSTANCE, ATTEMPTS, CLAIM, PAUSED, DELAY, SCHEDULES, LIMITS = unpack(KEYS, 1, 8)

local bad = unfit(LEASE, 'zset') or unfit(INSTANCE, 'hash') or unfit(ATTEMPTS, 'hash') or unfit(CLAIM, 'list')
if bad then return bad end
local owner = call('HMGET', INSTANCE, 'nonce', 'state', 'seq', 'left')
if not owner[1] and owner[4] == ARGV[2] then
  -- the process was frozen for so long that another instance has retired this one
  call('HDEL', INSTANCE, 'left')
  call('HSET', INSTANCE, 'nonce', ARGV[2])
  call('PERSIST', INSTANCE)
  local is_limited = usable(LIMITS, 'hash') and call('HEXISTS', LIMITS, 'runner:' .. ARGV[6]) == 1
  if is_limited then call('HSET', INSTANCE, 'limited', 1) else call('HDEL', INSTANCE, 'limited') end
  owner[1] = ARGV[2]
end
if not owner[1] then return { 'LOST', '.' } end
if owner[1] ~= ARGV[2] then return { 'FENCED', '.' } end

local at = clock()
call('ZREM', LEASE, ARGV[1])
call('ZADD', LEASE, at + ARGV[3], ARGV[1])
if owner[2] ~= ARGV[4] then call('HSET', INSTANCE, 'state', ARGV[4]) end

-- `seq` stays as it is until everything is restored, so that a later process detects the loss, too
local seq = (number(owner[3]) or 0) < tonumber(ARGV[5]) and -1 or call('HINCRBY', INSTANCE, 'seq', 1)
local named = (#ARGV - 6) / 2
local overdue = call('ZRANGEBYSCORE', LEASE, '-inf', at, 'LIMIT', 0, 1)
local first = usable(DELAY, 'zset') and call('ZRANGE', DELAY, 0, 0, 'WITHSCORES')[2]
local due = first and math.max(0, math.ceil(tonumber(first) - at)) or ''
local others = call('HLEN', ATTEMPTS) ~= named and 1 or 0
local plans = usable(SCHEDULES, 'hash') and call('HMGET', SCHEDULES, 'birth', 'version', 'due', 'hold') or {}
local planned = number(plans[3]) and math.max(0, math.max(plans[3], number(plans[4]) or 0) - at) or ''
local schedules = plans[1] and string.format('%s %s %s', plans[1], plans[2], planned) or ''
local reply = { 'OK', at, call('LLEN', CLAIM), others, call('EXISTS', PAUSED), #overdue, due, seq, history(),
  schedules }
local function order(kind, id, reason)
  reply[#reply + 1] = kind
  reply[#reply + 1] = id
  reply[#reply + 1] = reason
end

for n = 1, named do
  local job, meta, id, token = KEYS[7 + 2 * n], KEYS[8 + 2 * n], ARGV[5 + 2 * n], ARGV[6 + 2 * n]
  local known = { false, false, false, false }
  if type_of(meta) == 'hash' then known = call('HMGET', meta, 'token', 'done', 'cancel', 'attempt') end
  local found = type_of(job)
  -- a Redis that went back has a record of an older attempt only
  local newer = (number(known[4]) or math.huge) >= tonumber(string.match(token, '^%d+') or 0)
  if known[1] and known[1] ~= token and newer then
    order('fenced', id, token)
  elseif known[2] == token then
    -- its end was written while this heartbeat was on its way
  elseif not known[1] or known[1] ~= token or found == 'none' or call('HGET', ATTEMPTS, id) ~= token then
    order('unknown', id, '')
  elseif known[3] then
    order('cancel', id, string.sub(known[3], 1, 1000))
  elseif found == 'hash' then
    local state = call('HGET', job, 'status')
    if state == 'finished' or state == 'error' then
      order('cancel', id, 'another program set its status to ' .. state)
    elseif state ~= 'started' then
      -- a foreign program wrote back a job that it had read before the start
      call('HSET', job, 'status', 'started', 'updated_at', stamp(at))
      call('HSET', meta, 'foreign_overwrite', (number(call('HGET', meta, 'foreign_overwrite')) or 0) + 1)
    end
  end
end
reply[#reply + 1] = '.'
return reply
