-- retire: takes an instance that left, or whose lease ended, and that holds nothing, out of the living. Its instance stays
-- for as long as its host could tell ends again: a instance that is missing before is data that Redis lost.
--
-- KEYS  1 lease  2 instance  3 attempts  4 claim  5 history
-- ARGV  1 instance  2 nonce of the caller, which may retire itself while its lease holds  3 ms that the instance stays, and
--       the history after the last one
-- reply OK     it is retired
--       GONE   there is no such instance
--       ALIVE  its lease holds
--       HOLDS  it has claims or runs

local bad = unfit(KEYS[1], 'zset') or unfit(KEYS[2], 'hash') or unfit(KEYS[3], 'hash') or unfit(KEYS[4], 'list')
if bad then return bad end
local lease, nonce = call('ZSCORE', KEYS[1], ARGV[1]), call('HGET', KEYS[2], 'nonce')
if not lease and not nonce then return { 'GONE', '.' } end
if nonce ~= ARGV[2] and lease and tonumber(lease) > clock() then return { 'ALIVE', '.' } end
if call('HLEN', KEYS[3]) > 0 or call('LLEN', KEYS[4]) > 0 then return { 'HOLDS', '.' } end

call('ZREM', KEYS[1], ARGV[1])
if usable(KEYS[5], 'hash') then
  call('HDEL', KEYS[5], ARGV[1])
  -- with the last one goes what is known of the name, unless a runner comes
  if call('ZCARD', KEYS[1]) == 0 then call('PEXPIRE', KEYS[5], ARGV[3]) end
end
if nonce then
  call('HDEL', KEYS[2], 'nonce')
  call('HSET', KEYS[2], 'left', nonce)
  call('PEXPIRE', KEYS[2], ARGV[3])
end
return { 'OK', '.' }
