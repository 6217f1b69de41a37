-- schedule_add: adds a schedule, or replaces the one of its name, which keeps its last firing and stays paused.
--
-- KEYS  1-3 state due record
-- ARGV  1 name  2 time of the next firing, ms or '', then fields of the record
-- reply OK  1 when it is paused

local bad = unfit_schedule()
if bad then return bad end
local old = call('HMGET', RECORD, 'rev', 'paused')
local at = clock()

-- the first write frees no memory: at its memory limit Redis must refuse it
call('HSET', RECORD, 'rev', revision(old[1], at), 'next', ARGV[2])
fill(RECORD, ARGV, 3, #ARGV)
call('HDEL', RECORD, 'held', 'removed', 'skipped')
call('PERSIST', RECORD)
plan(at, old[2] and '' or ARGV[2])
return { 'OK', old[2] and 1 or 0, '.' }
