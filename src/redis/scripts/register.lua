-- register: makes a process the owner of its instance. limits.lua precedes this text.
--
-- KEYS  1 lease  2 instance  3 names  4 history  5 limits  6 state of the limits
-- ARGV  1 instance  2 nonce  3 ms of a lease  4 nonces of earlier processes of this spool, a line feed before and after
--       each  5 runner  6 the least `seq` from now on  7 '1': everything is restored  8 '1': every attempt that another
--       folder may have run has its end  9 nonces of all processes that this very folder has on record, in the form
--       of 4  10 boot id  11... further fields of instance
-- reply OK    Redis' clock in ms, `seq` as it was found, 0 when there was no instance, 1 when another folder has used
--             this identity and its attempts may lack their ends, 1 when the data has another history than when it was
--             last recorded as whole, ms until jobs with limits start
--       BUSY  another process owns it: ms until its lease ends, its host
--       LOST  Redis lost data once more since this process registered, so not everything is restored; nothing was
--             changed

local LEASE, INSTANCE, NAMES, HISTORY = unpack(KEYS, 1, 4)

local bad = unfit(LEASE, 'zset') or unfit(INSTANCE, 'hash')
if bad then return bad end
local at = clock()
local owner = call('HMGET', INSTANCE, 'nonce', 'host', 'seq', 'left', 'mixed')
local left = tonumber(call('ZSCORE', LEASE, ARGV[1]) or 0) - at
-- the caller holds the lock on the spool folder of each process that it names: such a process is gone
local function among(list, nonce)
  return nonce == ARGV[2] or string.find(list, '\n' .. nonce .. '\n', 1, true)
end
local gone = left <= 0 or (owner[1] and among(ARGV[4], owner[1]))
if owner[1] and owner[1] ~= ARGV[2] and not gone then return { 'BUSY', left, owner[2] or '', '.' } end
if ARGV[7] == '1' and owner[1] ~= ARGV[2] then return { 'LOST', '.' } end

local seq, last = number(owner[3]) or 0, owner[1] or owner[4]
local mixed = ARGV[8] ~= '1' and (owner[5] == '1' or (last and not among(ARGV[9], last)))
local now, known = history(), usable(HISTORY, 'hash')
local whole = known and call('HGET', HISTORY, 'whole')
call('DEL', INSTANCE)
call('HSET', INSTANCE, 'nonce', ARGV[2], 'ttl', ARGV[3], 'boot_id', ARGV[10], 'state', 'up', 'since', at,
  'seq', string.format('%.0f', math.max(seq, ARGV[6])))
if mixed then call('HSET', INSTANCE, 'mixed', 1) end
-- a claim reads here whether its queue has a limit
if usable(LIMITS, 'hash') and call('HEXISTS', LIMITS, 'runner:' .. ARGV[5]) == 1 then
  call('HSET', INSTANCE, 'limited', 1)
end
fill(INSTANCE, ARGV, 11, #ARGV)
call('ZADD', LEASE, at + ARGV[3], ARGV[1])
if usable(NAMES, 'set') then call('SADD', NAMES, ARGV[5]) end
if known then call('PERSIST', HISTORY) end
if known and not whole then call('HSET', HISTORY, 'whole', now) end
if known and ARGV[7] == '1' then call('HSET', HISTORY, ARGV[1], now) end
-- the first one that registers with data of another history, or with none: an attempt with a permit may be missing
local hold = 0
if usable(LIMIT_STATE, 'hash') then
  hold = held_until()
  if hold == math.huge then hold = begin_hold(tonumber(ARGV[3])) end
end
return { 'OK', at, seq, mixed and 1 or 0, whole and whole ~= now and 1 or 0, math.max(0, math.ceil(hold - at)), '.' }
