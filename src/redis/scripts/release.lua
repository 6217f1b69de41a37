-- release: returns a claimed id to the queue, next to run.
--
-- KEYS  1 claim  2 queue  3 instance  4 events
-- ARGV  1 id, any bytes  2 nonce
-- reply OK      it is next in the queue
--       GONE    it is not claimed
--       FENCED  another process owns the instance, and so the claim

local CLAIM, QUEUE, INSTANCE, EVENTS = unpack(KEYS, 1, 4)

local bad = unfit(CLAIM, 'list') or unfit(QUEUE, 'list') or unfit(INSTANCE, 'hash')
if bad then return bad end
local nonce = call('HGET', INSTANCE, 'nonce')
if nonce and nonce ~= ARGV[2] then return { 'FENCED', '.' } end

if call('LREM', CLAIM, -1, ARGV[1]) == 0 then return { 'GONE', '.' } end
call('RPUSH', QUEUE, ARGV[1])
event(EVENTS, 'release', 'id', ARGV[1], 's', 'dispatched')
return { 'OK', '.' }
