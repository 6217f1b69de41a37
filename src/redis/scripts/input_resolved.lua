-- input_resolved: says that a job does not wait for somebody to type any more.
--
-- KEYS  1-5 job x out after events
-- ARGV  1-3 id channel keep  4 token of the attempt
-- reply OK    it is said
--       NONE  nothing else was said, or the attempt is not the job's newest one any more

local bad = unfit(KEYS[2], 'hash')
if bad then return bad end
if side('token') ~= ARGV[4] or call('HDEL', X, 'input_ms', 'input_line') == 0 then return { 'NONE', '.' } end

tell('input_resolved', 'started', 'n', side('runner') or '', 'i', side('inst') or '', 'a', side('attempt') or '')
return { 'OK', '.' }
