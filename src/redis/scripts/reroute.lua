-- reroute: moves a claimed id to the queue of the runner that the job names, once.
--
-- KEYS  1-5 job meta out after events  6 claim  7 queue of that runner  8 names
-- ARGV  1-3 id channel keep  4 that runner  5 our runner
-- reply OK     it is in the other queue
--       AGAIN  it was moved before, or cannot be: the job was ended; then the ended jobs for
--              which others still wait
--       GONE   it is not claimed, is no hash any more, runs, or has ended

local CLAIM, QUEUE, NAMES = KEYS[6], KEYS[7], KEYS[8]

local bad = unfit(CLAIM, 'list')
if bad then return bad end
if not call('LPOS', CLAIM, ID, 'RANK', -1) or type_of(JOB) ~= 'hash' then return { 'GONE', '.' } end

local why = nil
if meta('rerouted') then
  why = 'not started: it names runner "' .. ARGV[4] .. '" and came to runner "' .. ARGV[5] .. '" twice'
elseif not usable(QUEUE, 'list') then
  why = 'not started: the queue of its runner "' .. ARGV[4] .. '" holds a ' .. type_of(QUEUE)
end
call('LREM', CLAIM, -1, ID)
local state = call('HGET', JOB, 'status')
if state == 'started' or is_final(state) then return { 'GONE', '.' } end
if why then
  conclude('reroute', why, 1, clock())
  return with_open({ 'AGAIN' })
end
set_meta('rerouted', '1')
call('LPUSH', QUEUE, ID)
if usable(NAMES, 'set') then call('SADD', NAMES, ARGV[4]) end
notify('reroute', 'dispatched', 'n', ARGV[4])
return { 'OK', '.' }
