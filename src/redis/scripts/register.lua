-- register: makes a process the owner of its instance.
--
-- KEYS  1 lease  2 node  3 names
-- ARGV  1 instance  2 nonce  3 ms of a lease  4 '1': take it over from a process on the same boot of the same host
--       5 runner  6 boot id  7... further fields of node
-- reply OK    Redis' clock in ms
--       BUSY  another process owns it: ms until its lease ends, its host, its boot id

local bad = unfit(KEYS[1], 'zset') or unfit(KEYS[2], 'hash')
if bad then return bad end
local at = clock()
local owner = call('HMGET', KEYS[2], 'nonce', 'boot_id', 'host')
local left = tonumber(call('ZSCORE', KEYS[1], ARGV[1]) or 0) - at
-- on the same boot the caller's lock on its folder proves that the other process is gone
local gone = left <= 0 or (ARGV[4] == '1' and owner[2] == ARGV[6])
if owner[1] and owner[1] ~= ARGV[2] and not gone then
  return { 'BUSY', left, owner[3] or '', owner[2] or '', '.' }
end

call('DEL', KEYS[2])
call('HSET', KEYS[2], 'nonce', ARGV[2], 'ttl', ARGV[3], 'boot_id', ARGV[6], 'state', 'up', 'since', at)
fill(KEYS[2], ARGV, 7, #ARGV)
call('ZADD', KEYS[1], at + ARGV[3], ARGV[1])
if usable(KEYS[3], 'set') then call('SADD', KEYS[3], ARGV[5]) end
return { 'OK', at, '.' }
