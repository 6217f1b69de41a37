-- dead_letter: moves an id that is no runnable job to the dead letters, with the reason.
--
-- KEYS  1 claim  2 dead  3 events
-- ARGV  1 id, any bytes  2 reason, one line  3 ms to keep it
-- reply OK    it is a dead letter, of which the newest 1,000 are kept
--       GONE  it is not claimed

local CLAIM, DEAD, EVENTS = KEYS[1], KEYS[2], KEYS[3]

local bad = unfit(CLAIM, 'list')
if bad then return bad end

if call('LREM', CLAIM, -1, ARGV[1]) == 0 then return { 'GONE', '.' } end
-- a client can push an id of any length, and every overview reads the dead letters
local id = string.sub(ARGV[1], 1, 1000)
if usable(DEAD, 'zset') then
  call('ZREMRANGEBYSCORE', DEAD, '-inf', clock() - ARGV[3])
  call('ZADD', DEAD, clock(), ARGV[2] .. '\n' .. id)
  call('ZREMRANGEBYRANK', DEAD, 0, -1001)
  call('PEXPIRE', DEAD, ARGV[3])
end
event(EVENTS, 'dead_letter', 'id', id)
return { 'OK', '.' }
