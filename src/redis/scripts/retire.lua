-- retire: removes an instance that left, or whose lease ended, and that holds nothing, from the live ones. Its record
-- stays for as long as its host may report ends again: a record that is missing before that is data that Redis lost.
--
-- KEYS  1 lease  2 instance  3 attempts  4 claim  5 history
-- ARGV  1 instance  2 nonce of the caller, which may retire itself while its lease holds  3 ms that the record stays,
--       and the history after the last instance
-- reply OK     it is retired
--       GONE   there is no such instance
--       ALIVE  its lease holds
--       HOLDS  it has claims or attempts

local LEASE, INSTANCE, ATTEMPTS, CLAIM, HISTORY = unpack(KEYS, 1, 5)

local bad = unfit(LEASE, 'zset') or unfit(INSTANCE, 'hash') or unfit(ATTEMPTS, 'hash') or unfit(CLAIM, 'list')
if bad then return bad end
local lease, nonce = call('ZSCORE', LEASE, ARGV[1]), call('HGET', INSTANCE, 'nonce')
if not lease and not nonce then return { 'GONE', '.' } end
if nonce ~= ARGV[2] and lease and tonumber(lease) > clock() then return { 'ALIVE', '.' } end
if call('HLEN', ATTEMPTS) > 0 or call('LLEN', CLAIM) > 0 then return { 'HOLDS', '.' } end

call('ZREM', LEASE, ARGV[1])
if usable(HISTORY, 'hash') then
  call('HDEL', HISTORY, ARGV[1])
  -- the history expires after the last instance, unless a runner registers meanwhile
  if call('ZCARD', LEASE) == 0 then call('PEXPIRE', HISTORY, ARGV[3]) end
end
if nonce then
  call('HDEL', INSTANCE, 'nonce')
  call('HSET', INSTANCE, 'left', nonce)
  call('PEXPIRE', INSTANCE, ARGV[3])
end
return { 'OK', '.' }
