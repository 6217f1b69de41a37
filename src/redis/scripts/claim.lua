-- claim: claims the next jobs of the queue, and of the low ones when it is empty, and starts those that have one of
-- some executors; a job that is claimed already may go before them. In front of this text stand `step`, the script
-- `start`, and MAX_ID, the most bytes of an id.
--
-- KEYS  1 queue  2 low  3 claim  4 attempts  5 instance  6 jobs  7 events
-- ARGV  1 the most jobs that are claimed  2 instance  3 nonce  4 runner  5 keep  6-10 what stands in front of an id in
--       the names of job, meta, out, after and channel  11 the job that is claimed already; '' for none  12 the last `seq`
--       that the caller was told  13 the history that it knows, or ''  14... executors; '' stands for none
-- reply FENCED  another process owns the instance
--       LOST    Redis is not the one that the caller knew, or went back: nothing may be taken before everything is
--               brought back
--       else    JSON: of each job that was to be started its id and the reply of `start`; then the other claimed ids,
--               any bytes

local QUEUE, LOW, CLAIM, ATTEMPTS, INSTANCE, JOBS, EVENTS = unpack(KEYS)
local bad = unfit(QUEUE, 'list') or unfit(LOW, 'list') or unfit(CLAIM, 'list') or refused(INSTANCE, ARGV[3], ARGV[12])
if bad then return bad end
if ARGV[13] ~= '' and history() ~= ARGV[13] then return { 'LOST', '.' } end
local wanted = {}
for i = 14, #ARGV do wanted[ARGV[i]] = true end

-- The answer of `start`; nil when the job is not to be started here, or cannot be.
local function try(id)
  -- JSON has no other bytes than UTF-8; what is no id of a job becomes a dead letter later
  if id == '' or #id > MAX_ID or string.find(id, '[^%w._:@/+-]') then return end
  local job = ARGV[6] .. id
  local executor = redis.pcall('HGET', job, 'executor') or ''
  if not wanted[executor] then return end
  local keys = { job, ARGV[7] .. id, ARGV[8] .. id, ARGV[9] .. id, EVENTS, CLAIM, ATTEMPTS, INSTANCE, JOBS }
  local fine, answer = pcall(step, keys, { id, ARGV[10] .. id, ARGV[5], ARGV[2], ARGV[3], ARGV[4], '', ARGV[12] })
  if fine and answer[1] ~= 'UNFIT' then return answer end
end

local started, reply = {}, { '' }
local function take(id)
  local answer = try(id)
  if answer then
    started[#started + 1] = { id, answer }
  else
    reply[#reply + 1] = id
  end
end
if ARGV[11] ~= '' then take(ARGV[11]) end
for _ = 1, tonumber(ARGV[1]) do
  local id = call('LMOVE', QUEUE, CLAIM, 'RIGHT', 'LEFT') or call('LMOVE', LOW, CLAIM, 'RIGHT', 'LEFT')
  if not id then break end
  take(id)
end
reply[1] = #started > 0 and cjson.encode(started) or '[]'
reply[#reply + 1] = '.'
return reply
