-- reply: gives the sender of a request the runner's answer.
--
-- KEYS  1 reply
-- ARGV  1 answer  2 ms that it is kept
-- reply OK  it is there

local bad = unfit(KEYS[1], 'list')
if bad then return bad end
call('LREM', KEYS[1], 0, '')
call('LPUSH', KEYS[1], ARGV[1])
call('PEXPIRE', KEYS[1], ARGV[2])
return { 'OK', '.' }
