-- batch_purge: forgets a batch of which all members have ended.
--
-- KEYS  1-5 job meta out after events of the id of the batch  6 batches
-- ARGV  1-3 id channel keep  4 ms before which the last member must have ended  5 '1': only say whether it may be
-- reply OK       it is forgotten, or may be
--       OTHER    a member has not ended, or not so long ago
--       AWAITED  another job waits for its end
--       MISSING  there is no such batch

local state = state_of_batch(ID)
if not state then return { 'MISSING', '.' } end
local ended = number(call('HGET', key_of('batch', ID), 'ended_ms')) or 0
if not is_final(state) or ended >= tonumber(ARGV[4]) then return { 'OTHER', '.' } end
if call('EXISTS', AFTER) == 1 then return { 'AWAITED', '.' } end
if ARGV[5] ~= '1' then
  call('DEL', key_of('batch', ID), key_of('skipped', ID))
  if usable(KEYS[6], 'zset') then call('ZREM', KEYS[6], ID) end
end
return { 'OK', '.' }
