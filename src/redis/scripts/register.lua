-- register: makes a process the owner of its instance.
--
-- KEYS  1 lease  2 instance  3 names  4 history
-- ARGV  1 instance  2 nonce  3 ms of a lease  4 nonces of earlier processes of this spool, a line feed before and after
--       each  5 runner  6 the least `seq` from now on  7 '1': everything is brought back  8 '1': all that another
--       folder may have run has its end  9 nonces of all processes that this very folder remembers, written as the
--       others  10 boot id  11... further fields of instance
-- reply OK    Redis' clock in ms, `seq` as it was found, 0 when there was no instance, 1 when another folder had this
--             identity since all that ran there had its end, 1 when the data has another history than when it was known
--             to be whole
--       BUSY  another process owns it: ms until its lease ends, its host

local bad = unfit(KEYS[1], 'zset') or unfit(KEYS[2], 'hash')
if bad then return bad end
local at = clock()
local owner = call('HMGET', KEYS[2], 'nonce', 'host', 'seq', 'left', 'mixed')
local left = tonumber(call('ZSCORE', KEYS[1], ARGV[1]) or 0) - at
-- the caller holds the lock on the folder of a process that it can name: that process is gone
local function among(list, nonce)
  return nonce == ARGV[2] or string.find(list, '\n' .. nonce .. '\n', 1, true)
end
local gone = left <= 0 or (owner[1] and among(ARGV[4], owner[1]))
if owner[1] and owner[1] ~= ARGV[2] and not gone then return { 'BUSY', left, owner[2] or '', '.' } end

local seq, last = number(owner[3]) or 0, owner[1] or owner[4]
local mixed = ARGV[8] ~= '1' and (owner[5] == '1' or (last and not among(ARGV[9], last)))
local now, known = history(), usable(KEYS[4], 'hash')
local whole = known and call('HGET', KEYS[4], 'whole')
call('DEL', KEYS[2])
call('HSET', KEYS[2], 'nonce', ARGV[2], 'ttl', ARGV[3], 'boot_id', ARGV[10], 'state', 'up', 'since', at,
  'seq', string.format('%.0f', math.max(seq, ARGV[6])))
if mixed then call('HSET', KEYS[2], 'mixed', 1) end
fill(KEYS[2], ARGV, 11, #ARGV)
call('ZADD', KEYS[1], at + ARGV[3], ARGV[1])
if usable(KEYS[3], 'set') then call('SADD', KEYS[3], ARGV[5]) end
if known then call('PERSIST', KEYS[4]) end
if known and not whole then call('HSET', KEYS[4], 'whole', now) end
if known and ARGV[7] == '1' then call('HSET', KEYS[4], ARGV[1], now) end
return { 'OK', at, seq, mixed and 1 or 0, whole and whole ~= now and 1 or 0, '.' }
