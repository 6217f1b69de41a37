-- limit_remove: removes what was set for a limit: its N is 1 again, and that of a queue has no end.
--
-- KEYS  1 limits  2 events
-- ARGV  1 namespace  2 limit
-- reply OK       number of parked jobs that were moved to the front of their queues
--       MISSING  N of this limit was not set

local bad = unfit(LIMITS, 'hash')
if bad then return bad end
local _, revision = size_of(ARGV[2])
if revision == '0' then return { 'MISSING', '.' } end
call('HDEL', LIMITS, ARGV[2])
mark_queue(ARGV[2], false)
-- those that use it have it listed
if call('EXISTS', key_of('permits', ARGV[2]), key_of('parking', ARGV[2])) > 0 then
  call('HSET', LIMITS, ARGV[2], '1 0')
end
return { 'OK', unpark(ARGV[2], MOST_UNPARKED), '.' }
