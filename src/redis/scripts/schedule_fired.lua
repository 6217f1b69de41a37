-- schedule_fired: fires a schedule: submits its job under the time of the firing, or skips that, and plans the next
-- one. The script `submit` precedes this text as a function.
--
-- KEYS  1-3 state due record  4-5 job and meta of the last firing, then those of `submit`, whose fifth is the events
-- ARGV  1 name  2 revision  3 planned time, ms  4 time that is fired: the planned one, or a later one when that was
--       missed  5 the next time after it, ms or ''  6 ms after which a firing was missed  7 job of the last firing or
--       '' 8 id of the planned firing  9 runner, then those of `submit`
-- reply FIRED    its job is submitted
--       EXISTS   a job of its id exists, so it was fired before
--       RUNNING  the job of the last firing has not ended, or another firing waited for that then: it is skipped
--       MISSED   no runner was there in time: it is skipped
--       OLD      it is not later than the last firing: nothing is fired
--       HELD     it waits for the end of that job: '1' when that job is to be cancelled for it
--       EARLY    it is not due, or Redis lost data not long ago; nothing was changed
--       CHANGED  the schedule is another one by now, or has fired; nothing was changed

local bad = unfit_schedule()
if bad then return bad end
local at, planned, time = clock(), tonumber(ARGV[3]), tonumber(ARGV[4])
local own = call('HMGET', RECORD, 'rev', 'next', 'job', 'last', 'held', 'paused', 'overlap', 'catch_up', 'waited')
local as_read = own[1] == ARGV[2] and own[2] == ARGV[3] and (own[3] or '') == ARGV[7]
if not as_read or own[6] then return { 'CHANGED', '.' } end
local hold = number(call('HGET', STATE, 'hold')) or 0
if at < math.max(planned, time, hold) then return { 'EARLY', '.' } end

local held = own[5] == ARGV[4]
-- Returns why a time passed: no runner was there, or another firing waited for the end of the last job.
local function why_passed(time)
  return time <= (number(own[9]) or -1) and 'running' or 'missed'
end
-- Reports a firing that makes no job.
local function skipped(id, why)
  event(KEYS[10], 'schedule_skipped', 'id', id, 's', why, 'n', ARGV[9])
end
-- Plans the next firing.
local function go_on(reply, ...)
  call('HDEL', RECORD, 'held')
  call('HSET', RECORD, 'next', ARGV[5], ...)
  if held then call('HSET', RECORD, 'waited', whole(at)) end
  if time ~= planned then skipped(ARGV[8], why_passed(planned)) end
  plan(at, ARGV[5])
  return { reply, '.' }
end
local function skip(reply, why)
  local done = go_on(reply, 'skipped', ARGV[4] .. ' ' .. why)
  skipped(ARGV[10], why)
  return done
end

if time <= (number(own[4]) or -1) then return go_on('OLD') end
local late = not held and (at - time > tonumber(ARGV[6]) or time <= hold)
if late and at - time > (number(own[8]) or 0) then
  local why = why_passed(time)
  return skip(why == 'missed' and 'MISSED' or 'RUNNING', why)
end
local last = ARGV[7] ~= '' and type_of(KEYS[4]) == 'hash' and (call('HGET', KEYS[4], 'status') or '')
if last and last ~= 'finished' and last ~= 'error' then
  if own[7] == 'skip' then return skip('RUNNING', 'running') end
  local is_cancelled = type_of(KEYS[5]) == 'hash' and call('HGET', KEYS[5], 'cancel')
  local check = whole(at + 1000)
  if held then
    check_at(check)
  else
    call('HSET', RECORD, 'held', ARGV[4], 'next', ARGV[4])
    if time ~= planned then skipped(ARGV[8], why_passed(planned)) end
    plan(at, check)
  end
  return { 'HELD', own[7] == 'replace' and not is_cancelled and 1 or 0, '.' }
end

local keys, args = {}, {}
for i = 6, #KEYS do keys[#keys + 1] = KEYS[i] end
for i = 10, #ARGV do args[#args + 1] = ARGV[i] end
local reply = submit(keys, args)
if reply[1] ~= 'OK' and reply[1] ~= 'EXISTS' then return reply end
local done = go_on(reply[1] == 'OK' and 'FIRED' or 'EXISTS', 'last', ARGV[4], 'job', ARGV[10])
if reply[1] == 'OK' then event(KEYS[10], 'schedule_fired', 'id', ARGV[10], 's', 'dispatched', 'n', ARGV[9]) end
return done
