-- register: makes a process the owner of its instance.
--
-- KEYS  1 lease  2 node  3 names
-- ARGV  1 instance  2 nonce  3 ms of a lease  4 nonces of earlier processes of this spool, a line feed before and after each
--       5 runner  6 the least `seq` from now on  7 boot id  8... further fields of node
-- reply OK    Redis' clock in ms, `seq` as it was found, 0 when there was no node
--       BUSY  another process owns it: ms until its lease ends, its host

local bad = unfit(KEYS[1], 'zset') or unfit(KEYS[2], 'hash')
if bad then return bad end
local at = clock()
local owner = call('HMGET', KEYS[2], 'nonce', 'host', 'seq')
local left = tonumber(call('ZSCORE', KEYS[1], ARGV[1]) or 0) - at
-- the caller holds the lock on the folder of a process that it can name: that process is gone
local gone = left <= 0 or (owner[1] and string.find(ARGV[4], '\n' .. owner[1] .. '\n', 1, true))
if owner[1] and owner[1] ~= ARGV[2] and not gone then return { 'BUSY', left, owner[2] or '', '.' } end

local seq = number(owner[3]) or 0
call('DEL', KEYS[2])
call('HSET', KEYS[2], 'nonce', ARGV[2], 'ttl', ARGV[3], 'boot_id', ARGV[7], 'state', 'up', 'since', at,
  'seq', string.format('%.0f', math.max(seq, ARGV[6])))
fill(KEYS[2], ARGV, 8, #ARGV)
call('ZADD', KEYS[1], at + ARGV[3], ARGV[1])
if usable(KEYS[3], 'set') then call('SADD', KEYS[3], ARGV[5]) end
return { 'OK', at, seq, '.' }
