-- dead_letter: moves an id that is no runnable job to the dead letters, with the reason.
--
-- KEYS  1 claim  2 dead  3 events
-- ARGV  1 id, any bytes  2 reason, one line  3 ms that it is kept
-- reply OK    it is a dead letter, of which the newest 1,000 are kept
--       GONE  it is not claimed

local bad = unfit(KEYS[1], 'list')
if bad then return bad end

if call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return { 'GONE', '.' } end
-- an id of any length can have been pushed, and every overview reads these
local id = string.sub(ARGV[1], 1, 1000)
if usable(KEYS[2], 'zset') then
  call('ZREMRANGEBYSCORE', KEYS[2], '-inf', clock() - ARGV[3])
  call('ZADD', KEYS[2], clock(), ARGV[2] .. '\n' .. id)
  call('ZREMRANGEBYRANK', KEYS[2], 0, -1001)
  call('PEXPIRE', KEYS[2], ARGV[3])
end
event(KEYS[3], 'dead_letter', 'id', id)
return { 'OK', '.' }
