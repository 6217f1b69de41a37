-- promote: moves a delayed job into the queue when it is due, or when all jobs for which it waits have met its
-- conditions; ends it when one of them never will.
--
-- KEYS  1-5 job meta out after events  6 delay  7 queue  8 low
-- ARGV  1-3 id channel keep  4 runner  5 '1': check the jobs for which it waits now, before its next check is due
-- reply PROMOTED  it is in the queue
--       WAITS     for other jobs; the next check is in a minute
--       SKIPPED   it was ended because of another job; then the ended jobs for which others still wait
--       EARLY     it is not due
--       GONE      it is not delayed, or no job any more

local DELAY, QUEUE, LOW = unpack(KEYS, 6, 8)
local runner = ARGV[4]
local member = runner .. '\n' .. ID

local bad = unfit(DELAY, 'zset') or unfit(QUEUE, 'list') or unfit(LOW, 'list')
if bad then return bad end
local waits = open_conditions(all_meta())
-- Removes this job from those that wait for another one.
local function leave(parent)
  local key = key_of('after', parent)
  if usable(key, 'set') then call('SREM', key, member) end
end

local due = call('ZSCORE', DELAY, ID)
local found = type_of(JOB)
local state = found == 'hash' and (call('HGET', JOB, 'status') or '')
if not due or found == 'none' or is_final(state) or state == 'started' then
  call('ZREM', DELAY, ID)
  for parent in pairs(waits) do leave(parent) end
  return { 'GONE', '.' }
end
local at = clock()
if tonumber(due) > at and not (next(waits) and ARGV[5] == '1') then return { 'EARLY', '.' } end

if not next(waits) then
  call('ZREM', DELAY, ID)
  note_rank(ID, all_meta())
  enqueue(QUEUE, LOW, ID, meta('priority'))
  notify('promote', 'dispatched', 'n', runner)
  return { 'PROMOTED', '.' }
end

local met, open = {}, {}
for parent, condition in pairs(waits) do
  local other = state_of(parent)
  local result = verdict(condition, other)
  if result == 'never' then
    call('ZREM', DELAY, ID)
    for each in pairs(waits) do leave(each) end
    skip(ID, runner, all_meta(), parent, other)
    return with_open({ 'SKIPPED' })
  end
  local list = result == 'met' and met or open
  list[#list + 1] = parent
end
for _, parent in ipairs(met) do
  leave(parent)
  strike(ID, all_meta(), parent)
end
if #open > 0 then
  call('ZADD', DELAY, 'XX', at + 60000, ID)
  -- Redis may have lost that this one waits
  for _, parent in ipairs(open) do
    local key = key_of('after', parent)
    if usable(key, 'set') then call('SADD', key, member) end
  end
  return { 'WAITS', '.' }
end
return { queue_or_delay(ID, runner, all_meta()) and 'PROMOTED' or 'EARLY', '.' }
