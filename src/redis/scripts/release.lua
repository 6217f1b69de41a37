-- release: gives a claimed id back to the queue, next to run.
--
-- KEYS  1 claim  2 queue  3 instance  4 events
-- ARGV  1 id, any bytes  2 nonce
-- reply OK      it is the next of the queue
--       GONE    it is not claimed
--       FENCED  another process owns the instance, and so the claim

local bad = unfit(KEYS[1], 'list') or unfit(KEYS[2], 'list') or unfit(KEYS[3], 'hash')
if bad then return bad end
local nonce = call('HGET', KEYS[3], 'nonce')
if nonce and nonce ~= ARGV[2] then return { 'FENCED', '.' } end

if call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return { 'GONE', '.' } end
call('RPUSH', KEYS[2], ARGV[1])
event(KEYS[4], 'release', 'id', ARGV[1], 's', 'dispatched')
return { 'OK', '.' }
