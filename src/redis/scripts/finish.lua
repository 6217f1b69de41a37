-- finish: writes the end of an attempt once, or delays the job for its next attempt.
--
-- KEYS  1-5 job meta out after events  6 attempts  7 delay
-- ARGV  1-3 id channel keep  4 token  5 state  6 result  7 error  8 exit code  9 output bytes  10 duration in ms
--       11 delay in ms until the next attempt, or ''  12 '1' when part of the output was not captured, or ''
--       13 names of programs that were killed in the background, or ''
-- reply OK        the end is written
--       ALREADY   it was written before
--       FINAL     another program had ended the job: its verdict stays
--       RETRY     the job waits for its next attempt, or has begun it
--       FENCED    the attempt was revoked
--       MISSING   Redis lost the job or meta: call `reassert`, then `finish` again
--       after OK, ALREADY and FINAL: the ended jobs for which others still wait

local ATTEMPTS, DELAY = KEYS[6], KEYS[7]
local token, state, keep, wait = ARGV[4], ARGV[5], tonumber(KEEP), number(ARGV[11])

local bad = unfit(ATTEMPTS, 'hash') or (wait and unfit(DELAY, 'zset'))
if bad then return bad end
local mine = call('HGET', ATTEMPTS, ID) == token and token or nil

local found, current = type_of(JOB), meta('token')
if meta('done') == token then
  let_go(ATTEMPTS, mine)
  if found == 'hash' and not is_final(call('HGET', JOB, 'status')) then return { 'RETRY', '.' } end
  return with_open({ 'ALREADY' })
end
if not current or found == 'none' then return { 'MISSING', '.' } end
-- Redis went back and has a record of an older attempt only
if current ~= token and (number(meta('attempt')) or 0) < tonumber(string.match(token, '^%d+') or 0) then
  return { 'MISSING', '.' }
end
if current ~= token then
  let_go(ATTEMPTS, mine)
  return { 'FENCED', '.' }
end

local at = clock()
let_go(ATTEMPTS, mine)
set_meta('done', token, 'ended_ms', at, 'exit', ARGV[8], 'output_bytes', ARGV[9], 'ms', ARGV[10])
if ARGV[12] ~= '' then set_meta('truncated', ARGV[12]) end
if ARGV[13] ~= '' then set_meta('left', ARGV[13]) end
if found ~= 'hash' or is_final(call('HGET', JOB, 'status')) then
  retain(keep)
  notify('finish', 'late', 'a', meta('attempt'))
  return with_open({ 'FINAL' })
end
if wait and state == 'error' and not meta('cancel') then
  set_meta('last_error', ARGV[7])
  call('HSET', JOB, 'status', 'dispatched', 'updated_at', stamp(at))
  call('ZADD', DELAY, at + wait, ID)
  notify('finish', 'dispatched', 'a', meta('attempt'))
  return { 'RETRY', '.' }
end
call('HSET', JOB, 'status', state, 'result', ARGV[6], 'error', ARGV[7], 'updated_at', stamp(at))
retain(keep)
notify('finish', state, 'a', meta('attempt'))
return with_open({ 'OK' })
