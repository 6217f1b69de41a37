-- schedule_restore: restores a schedule from the copy that a host has, after Redis lost data. The newest revision wins,
-- and the latest of the last firings.
--
-- KEYS  1-3 state due record
-- ARGV  1 name  2 ms for which no schedule fires, then fields of the copy
-- reply OK    it is restored
--       SAME  Redis has all that the copy has; nothing was changed

local bad = unfit_schedule()
if bad then return bad end
local copy = {}
for i = 3, #ARGV, 2 do copy[ARGV[i]] = ARGV[i + 1] end
local own = call('HMGET', RECORD, 'rev', 'last', 'paused', 'removed', 'next')
local mine, theirs = number(own[1]) or -1, number(copy.rev) or -1
local last, reported = number(own[2]) or -1, number(copy.last) or -1
if theirs < 0 or (theirs <= mine and reported <= last) then return { 'SAME', '.' } end

local at = clock()
local rest = own[3] or own[4]
if theirs >= mine then
  call('DEL', RECORD)
  fill(RECORD, ARGV, 3, #ARGV)
  rest = copy.paused or copy.removed
  local keep = copy.removed and number(copy.keep) or 0
  if keep > 0 then call('PEXPIRE', RECORD, whole(keep)) end
end
if math.max(last, reported) >= 0 then call('HSET', RECORD, 'last', whole(math.max(last, reported))) end
call('HSET', STATE, 'hold', whole(at + ARGV[2]))
plan(at, rest and '' or call('HGET', RECORD, 'next') or '')
return { 'OK', '.' }
