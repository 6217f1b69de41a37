-- reap: revokes a claim or an attempt of an instance whose lease has ended.
--
-- KEYS  1-5 job meta out after events  6 lease  7 claim  8 attempts  9 queue
-- ARGV  1-3 id channel keep  4 instance  5 what: claim or attempt  6 policy: hold, requeue or fail  7 grace in ms
--       8 ms after which a job without a timeout is lost  9 runner
-- reply ALIVE     the lease holds, or ended less than the grace ago
--       GONE      the instance does not hold it
--       STALE     the attempt was not the newest of the job, or the job has ended: the attempt is forgotten
--       HELD      it waits for its host
--       REQUEUED  it is next in the queue; an attempt whose host was lost for the third time is not
--       FAILED    it was ended as lost; then the ended jobs for which others still wait

local LEASE, CLAIM, ATTEMPTS, QUEUE = unpack(KEYS, 6, 9)
local policy, grace, lost_after = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])

local bad = unfit(LEASE, 'zset') or unfit(CLAIM, 'list') or unfit(ATTEMPTS, 'hash') or unfit(QUEUE, 'list')
if bad then return bad end
local at = clock()
local lease = tonumber(call('ZSCORE', LEASE, ARGV[4]) or 0)
if lease + grace > at then return { 'ALIVE', '.' } end

if ARGV[5] == 'claim' then
  if call('LREM', CLAIM, -1, ID) == 0 then return { 'GONE', '.' } end
  call('RPUSH', QUEUE, ID)
  event(EVENTS, 'reap', 'id', ID, 's', 'dispatched', 'i', ARGV[4])
  return { 'REQUEUED', '.' }
end

local token = call('HGET', ATTEMPTS, ID)
if not token then return { 'GONE', '.' } end
local state = type_of(JOB) == 'hash' and (call('HGET', JOB, 'status') or '')
local newest = meta('token')
if (newest and newest ~= token) or meta('done') == token or not state or is_final(state) then
  let_go(ATTEMPTS, token)
  return { 'STALE', '.' }
end

local times = math.floor(number(meta('lost')) or 0)
if policy == 'hold' then
  -- a job with a timeout waits for its host until that has passed; one without, as long as the runner's option says
  local timeout, started = number(call('HGET', JOB, 'timeout')), number(meta('started_ms'))
  local over = lease + lost_after
  if timeout and timeout > 0 and started then over = started + timeout * 1000 + grace end
  if at <= over then return { 'HELD', '.' } end
end
let_go(ATTEMPTS, token)
if policy == 'requeue' and times + 1 < 3 then
  note_earlier()
  set_meta('token', '0', 'lost', times + 1)
  call('HSET', JOB, 'status', 'dispatched', 'updated_at', stamp(at))
  call('RPUSH', QUEUE, ID)
  notify('reap', 'dispatched', 'n', ARGV[9], 'i', ARGV[4])
  return { 'REQUEUED', '.' }
end
note_earlier()
set_meta('token', '0', 'lost', times + 1)
local silent = string.format('%.0f', (at - lease) / 1000)
conclude('reap', 'lost: the lease of its runner "' .. ARGV[9] .. '", instance ' .. ARGV[4] .. ', ended '
  .. (lease > 0 and silent .. ' s ago' or 'and left no trace'), 125, at)
return with_open({ 'FAILED' })
