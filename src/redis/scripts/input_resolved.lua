-- input_resolved: records that a job no longer waits for input, and reports it of one that runs.
--
-- KEYS  1-5 job meta out after events
-- ARGV  1-3 id channel keep  4 token of the attempt
-- reply OK    it is recorded
--       NONE  no wait for input was on record, or the attempt is no longer the newest one of the job

local bad = unfit(KEYS[2], 'hash')
if bad then return bad end
if meta('token') ~= ARGV[4] or call('HDEL', META, 'input_ms', 'input_line') == 0 then return { 'NONE', '.' } end

if type_of(JOB) == 'hash' and call('HGET', JOB, 'status') == 'started' then
  notify('input_resolved', 'started', 'n', meta('runner') or '', 'i', meta('instance') or '', 'a',
    meta('attempt') or '')
end
return { 'OK', '.' }
