-- reply: stores the runner's reply for the sender of a request.
--
-- KEYS  1 reply
-- ARGV  1 the reply  2 ms to keep it
-- reply OK  it is stored

local bad = unfit(KEYS[1], 'list')
if bad then return bad end
call('LREM', KEYS[1], 0, '')
call('LPUSH', KEYS[1], ARGV[1])
call('PEXPIRE', KEYS[1], ARGV[2])
return { 'OK', '.' }
