-- schedule_remove: removes a schedule. Its last firing stays on record as long as a job is kept.
--
-- KEYS  1-3 state due record
-- ARGV  1 name  2 ms that the record stays; 0 is for ever
-- reply OK       it is removed
--       MISSING  there is no such schedule

local bad = unfit_schedule()
if bad then return bad end
local old = call('HMGET', RECORD, 'rev', 'text')
if not old[2] then return { 'MISSING', '.' } end

local at = clock()
call('HDEL', RECORD, 'text', 'next', 'held', 'paused', 'skipped')
call('HSET', RECORD, 'rev', revision(old[1], at), 'removed', whole(at), 'keep', ARGV[2])
if ARGV[2] ~= '0' then call('PEXPIRE', RECORD, ARGV[2]) end
plan(at, '')
return { 'OK', '.' }
