-- claim: claims the next jobs of the queue, or of the low-priority list when the queue is empty, and starts those that
-- have one of some executors. A job that is claimed already may go first. `step`, which is the script `start` as a
-- function, MAX_ID, the largest id in bytes, and limits.lua precede this text.
--
-- KEYS  1 queue  2 low  3 claim  4 attempts  5 instance  6 jobs  7 events
-- ARGV  1 the most jobs to claim  2 instance  3 nonce  4 runner  5 keep  6-10 prefixes of the names of job, meta, out,
--       after and channel, to which an id is appended  11 a job that is claimed already, or ''  12 the last `seq` that
--       was reported to the caller  13 the history of the data that the caller has on record, or ''  14... executors;
--       '' stands for a job that names none
-- reply FENCED  another process owns the instance
--       LOST    Redis is not the one that the caller has on record, or its data went back: nothing may be claimed until
--               everything is restored
--       else    JSON: for each job that was to be started its id and the reply of `start`, but for parked ones; then
--               the other claimed ids, any bytes. FULL precedes the JSON when the limit of the queue is reached

local QUEUE, LOW, CLAIM, ATTEMPTS, INSTANCE, JOBS = unpack(KEYS)
local bad = unfit(QUEUE, 'list') or unfit(LOW, 'list') or unfit(CLAIM, 'list') or refused(INSTANCE, ARGV[3], ARGV[12])
if bad then return bad end
if ARGV[13] ~= '' and history() ~= ARGV[13] then return { 'LOST', '.' } end
local wanted = {}
for i = 14, #ARGV do wanted[ARGV[i]] = true end

-- Returns the reply of `start`; nil when the job is not to be started here, or cannot be.
local function try(id)
  -- JSON holds UTF-8 only; an id that no job can have becomes a dead letter later
  if id == '' or #id > MAX_ID or string.find(id, '[^%w._:@/+-]') then return end
  local job = ARGV[6] .. id
  local executor = redis.pcall('HGET', job, 'executor') or ''
  if not wanted[executor] then return end
  local keys = { job, ARGV[7] .. id, ARGV[8] .. id, ARGV[9] .. id, EVENTS, CLAIM, ATTEMPTS, INSTANCE, JOBS }
  local ok, result = pcall(step, keys, { id, ARGV[10] .. id, ARGV[5], ARGV[2], ARGV[3], ARGV[4], '', ARGV[12] })
  if ok and result[1] ~= 'UNFIT' then return result end
end

local started, reply = {}, { '' }
-- The jobs that may still be claimed; for a limited queue no more than may run of it everywhere.
local left, room = tonumber(ARGV[1]), nil
if SEEN.instances[INSTANCE].limited then
  local attempts, claims = used_of(ARGV[4])
  room = size_of('runner:' .. ARGV[4]) - attempts - claims
end
-- The most jobs that one command parks besides.
local parked = 100
-- Starts a claimed job, or returns its id to the caller.
local function start_or_return(id)
  local result = try(id)
  if result and result[1] == 'FULL' then
    left, room = 0, 0
  elseif result and result[1] == 'PARKED' then
    left, room, parked = left + 1, room and room + 1, parked - 1
  elseif result then
    started[#started + 1] = { id, result }
  else
    reply[#reply + 1] = id
  end
end
if ARGV[11] ~= '' then
  start_or_return(ARGV[11])
  if parked < 100 then left = left - 1 end
end
while left > 0 and parked > 0 and (not room or room > 0) do
  local id = call('LMOVE', QUEUE, CLAIM, 'RIGHT', 'LEFT') or call('LMOVE', LOW, CLAIM, 'RIGHT', 'LEFT')
  if not id then break end
  left, room = left - 1, room and room - 1
  start_or_return(id)
end
reply[1] = (room and room <= 0 and 'FULL' or '') .. (#started > 0 and cjson.encode(started) or '[]')
reply[#reply + 1] = '.'
return reply
