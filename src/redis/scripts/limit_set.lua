-- limit_set: sets N of a limit, and moves parked jobs to the front of their queues when more may run than before.
--
-- KEYS  1 limits  2 events
-- ARGV  1 namespace  2 limit  3 N
-- reply OK  number of jobs that were moved

local bad = unfit(LIMITS, 'hash')
if bad then return bad end
local _, revision = size_of(ARGV[2])
-- at least the time, so that one that is set after data were lost is the newer one
call('HSET', LIMITS, ARGV[2], string.format('%s %.0f', ARGV[3], math.max(tonumber(revision) + 1, clock())))
mark_queue(ARGV[2], true)
return { 'OK', unpark(ARGV[2], MOST_UNPARKED), '.' }
