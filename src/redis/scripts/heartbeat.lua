-- heartbeat: extends the lease and carries orders back.
--
-- KEYS  1 lease  2 instance  3 attempts  4 claim  5 paused  6 delay, then job and meta of every attempt
-- ARGV  1 instance  2 nonce  3 ms of a lease  4 state of the instance  5 the last `seq` that the caller was told, then
--       id and token of every attempt
-- reply OK      Redis' clock in ms, ids in the claim list, 1 when Redis counts other runs, 1 when the queue is paused,
--               1 when the lease of another instance has ended, ms until the first delayed job is due or '', the new
--               `seq`, -1 when Redis went back behind what it had told, its history, then triples: fenced id token,
--               unknown id '', cancel id reason
--       LOST    Redis lost the instance: register again
--       FENCED  another process owns the instance

local bad = unfit(KEYS[1], 'zset') or unfit(KEYS[2], 'hash') or unfit(KEYS[3], 'hash') or unfit(KEYS[4], 'list')
if bad then return bad end
local owner = call('HMGET', KEYS[2], 'nonce', 'state', 'seq', 'left')
if not owner[1] and owner[4] == ARGV[2] then
  -- frozen for so long that a peer has retired it
  call('HDEL', KEYS[2], 'left')
  call('HSET', KEYS[2], 'nonce', ARGV[2])
  call('PERSIST', KEYS[2])
  owner[1] = ARGV[2]
end
if not owner[1] then return { 'LOST', '.' } end
if owner[1] ~= ARGV[2] then return { 'FENCED', '.' } end

local at = clock()
call('ZREM', KEYS[1], ARGV[1])
call('ZADD', KEYS[1], at + ARGV[3], ARGV[1])
if owner[2] ~= ARGV[4] then call('HSET', KEYS[2], 'state', ARGV[4]) end

-- as long as not everything is brought back, it stays where it is: then a later process sees it, too
local seq = (number(owner[3]) or 0) < tonumber(ARGV[5]) and -1 or call('HINCRBY', KEYS[2], 'seq', 1)
local named = (#ARGV - 5) / 2
local overdue = call('ZRANGEBYSCORE', KEYS[1], '-inf', at, 'LIMIT', 0, 1)
local first = usable(KEYS[6], 'zset') and call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')[2]
local due = first and math.max(0, math.ceil(tonumber(first) - at)) or ''
local others = call('HLEN', KEYS[3]) ~= named and 1 or 0
local reply = { 'OK', at, call('LLEN', KEYS[4]), others, call('EXISTS', KEYS[5]), #overdue, due, seq, history() }
local function order(kind, id, reason)
  reply[#reply + 1] = kind
  reply[#reply + 1] = id
  reply[#reply + 1] = reason
end

for n = 1, named do
  local job, meta, id, token = KEYS[5 + 2 * n], KEYS[6 + 2 * n], ARGV[4 + 2 * n], ARGV[5 + 2 * n]
  local known = { false, false, false, false }
  if type_of(meta) == 'hash' then known = call('HMGET', meta, 'token', 'done', 'cancel', 'attempt') end
  local found = type_of(job)
  -- a Redis that went back knows an older attempt only
  local newer = (number(known[4]) or math.huge) >= tonumber(string.match(token, '^%d+') or 0)
  if known[1] and known[1] ~= token and newer then
    order('fenced', id, token)
  elseif known[2] == token then
    -- its end was written while this heartbeat was on its way
  elseif not known[1] or known[1] ~= token or found == 'none' or call('HGET', KEYS[3], id) ~= token then
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
