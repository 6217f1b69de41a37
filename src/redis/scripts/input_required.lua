-- input_required: records that a job waits for input, and the line that its terminal shows.
--
-- KEYS  1-5 job meta out after events
-- ARGV  1-3 id channel keep  4 token of the attempt  5 last line of the terminal
-- reply OK     it is recorded
--       STALE  the attempt is no longer the running one of the job

local bad = unfit(KEYS[2], 'hash')
if bad then return bad end
local running = type_of(JOB) == 'hash' and call('HGET', JOB, 'status') == 'started'
if not running or meta('token') ~= ARGV[4] or meta('done') == ARGV[4] then return { 'STALE', '.' } end

local first = not meta('input_ms')
call('HDEL', META, 'input_line')
set_meta('input_line', ARGV[5])
if first then
  set_meta('input_ms', clock())
  notify('input_required', 'started', 'n', meta('runner') or '', 'i', meta('instance') or '', 'a',
    meta('attempt') or '')
end
return { 'OK', '.' }
