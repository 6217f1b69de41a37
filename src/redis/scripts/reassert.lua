-- reassert: restores in Redis a job that runs, or recently ran, on a host after Redis lost data. What the host has on
-- record wins.
--
-- KEYS  1-5 job meta out after events  6 jobs  7 claim  8 attempts  9 instance  10 queue  11 low  12 delay
-- ARGV  1-3 id channel keep  4 instance  5 nonce  6 token  7 attempt  8 started, ms  9 runner
--       10 number of arguments that are fields of the job, then these, then fields of meta
-- reply OK        Redis has the attempt as running here
--       DONE      its end is on record
--       FENCED    the job has a newer attempt, or this one was revoked
--       FINAL     another program has ended the job
--       FOREIGN   another process owns the instance

local JOBS, CLAIM, ATTEMPTS, INSTANCE, QUEUE, LOW, DELAY = unpack(KEYS, 6, 12)
local token, attempt = ARGV[6], tonumber(ARGV[7])

local bad = unfit(CLAIM, 'list') or unfit(ATTEMPTS, 'hash') or unfit(INSTANCE, 'hash')
if bad then return bad end
if call('HGET', INSTANCE, 'nonce') ~= ARGV[5] then return { 'FOREIGN', '.' } end

local function give_up(reply)
  let_go(ATTEMPTS, call('HGET', ATTEMPTS, ID) == token and token or nil)
  return { reply, '.' }
end
local current, newest = meta('token'), number(meta('attempt'))
if meta('done') == token then return give_up('DONE') end
if current ~= token and newest and newest >= attempt then return give_up('FENCED') end
local found = type_of(JOB)
if found ~= 'hash' and found ~= 'none' then return give_up('FINAL') end
local state = found == 'hash' and (call('HGET', JOB, 'status') or '')
-- the end of an older attempt, to which Redis went back, does not count
local outdated = newest and newest < attempt
if is_final(state) and not outdated then return give_up('FINAL') end
local held = call('HGET', ATTEMPTS, ID)
if current == token and state == 'started' and held == token then return { 'OK', '.' } end

call('LREM', CLAIM, 0, ID)
for _, key in ipairs({ QUEUE, LOW }) do
  if usable(key, 'list') then call('LREM', key, 0, ID) end
end
if usable(DELAY, 'zset') then call('ZREM', DELAY, ID) end
if not META then
  call('DEL', KEYS[2])
  META = KEYS[2]
end
leave_parking()
-- an entry of another attempt
if held and held ~= token then let_go(ATTEMPTS, held) end
local last = 10 + ARGV[10]
if found == 'none' then
  fill(JOB, ARGV, 11, last)
  if usable(JOBS, 'zset') then call('ZADD', JOBS, 'NX', ARGV[8], ID) end
end
-- the record of an older attempt: a request to end that one is not for this one
if outdated then
  call('HDEL', META, 'ms', 'output_bytes', 'input_ms', 'input_line', 'cancel')
  call('HSET', JOB, 'result', '', 'error', '')
end
if current ~= token then
  -- what the record of its batch counts, and not what it counted when the attempt started
  local counted = meta('as')
  fill(META, ARGV, last + 1, #ARGV)
  for i = last + 1, #ARGV, 2 do fields[ARGV[i]] = ARGV[i + 1] end
  if meta('as') then set_meta('as', counted or '') end
end
call('HDEL', META, 'done', 'exit', 'ended_ms', 'truncated', 'left')
set_meta('attempt', ARGV[7], 'token', token, 'instance', ARGV[4], 'nonce', ARGV[5], 'runner', ARGV[9],
  'started_ms', ARGV[8])
call('PERSIST', META)
call('PERSIST', JOB)
call('HSET', ATTEMPTS, ID, token)
local permits = meta('permits')
for i = last + 1, #ARGV, 2 do
  if current ~= token and ARGV[i] == 'permits' then permits = ARGV[i + 1] end
end
restore_permits(ATTEMPTS, token, permits)
call('HSET', JOB, 'status', 'started', 'updated_at', stamp(clock()))
notify('reassert', 'started', 'n', ARGV[9], 'i', ARGV[4], 'a', ARGV[7])
return { 'OK', '.' }
