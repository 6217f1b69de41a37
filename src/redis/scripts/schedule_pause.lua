-- schedule_pause: pauses a schedule, or resumes it with a new next firing.
--
-- KEYS  1-3 state due record
-- ARGV  1 name  2 '1' to pause, else ''  3 time of the next firing after a resume, ms or ''  4 revision for which that
--       was computed, or ''
-- reply OK       it is paused, or fires again
--       CHANGED  it has another revision
--       MISSING  there is no such schedule

local bad = unfit_schedule()
if bad then return bad end
local old = call('HMGET', RECORD, 'rev', 'text', 'paused')
if not old[2] then return { 'MISSING', '.' } end
local pauses = ARGV[2] == '1'
if pauses == (old[3] ~= false) then return { 'OK', '.' } end
if not pauses and old[1] ~= ARGV[4] then return { 'CHANGED', '.' } end

local at = clock()
call('HDEL', RECORD, 'held', 'paused')
call('HSET', RECORD, 'rev', revision(old[1], at))
if pauses then
  call('HSET', RECORD, 'paused', whole(at))
else
  call('HSET', RECORD, 'next', ARGV[3])
end
plan(at, pauses and '' or ARGV[3])
return { 'OK', '.' }
