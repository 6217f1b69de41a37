-- schedule_add: adds a schedule, or replaces the one of its name, which keeps its last firing and stays paused.
-- With the same times, a firing that is due, or waits for the end of the last job, still happens.
--
-- KEYS  1-3 state due record
-- ARGV  1 name  2 time of the next firing, ms or ''  3 what determines the times, then fields of the record
-- reply OK  1 when it is paused

local bad = unfit_schedule()
if bad then return bad end
local old = call('HMGET', RECORD, 'rev', 'paused', 'next', 'held', 'times')
local at, due = clock(), number(old[3])
local next_time = due and due <= at and not old[2] and old[5] == ARGV[3] and old[3] or ARGV[2]

-- the first write frees no memory: at its memory limit Redis must refuse it
call('HSET', RECORD, 'rev', revision(old[1], at), 'next', next_time, 'times', ARGV[3])
fill(RECORD, ARGV, 4, #ARGV)
call('HDEL', RECORD, 'removed', 'skipped')
if old[4] ~= next_time then call('HDEL', RECORD, 'held') end
call('PERSIST', RECORD)
plan(at, old[2] and '' or next_time)
return { 'OK', old[2] and 1 or 0, '.' }
