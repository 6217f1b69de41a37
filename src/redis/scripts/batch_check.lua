-- batch_check: checks some members of a batch against the state under which its record counts them: a foreign program
-- may have ended or deleted one. Forgets a batch of which the record is gone.
--
-- KEYS  1-5 job meta out after events of the id of the batch  6 batches
-- ARGV  1-3 id channel keep  4 index of the first member  5 the most members
-- reply OK    index of the next member, 1 at the end; number of those that were checked; then what is left to settle
--       GONE  there is no such batch

local key = key_of('batch', ID)
if type_of(key) ~= 'hash' then
  if usable(KEYS[6], 'zset') then call('ZREM', KEYS[6], ID) end
  return { 'GONE', '.' }
end
local stored = amount(call('HGET', key, 'stored'))
local from = tonumber(ARGV[4])
local to = math.min(from + ARGV[5] - 1, stored)
for index = from, to do
  local id = ID .. '.' .. string.format('%.0f', index)
  local job, metadata = key_of('job', id), key_of('meta', id)
  local counted = type_of(metadata) == 'hash' and call('HGET', metadata, 'as')
  local found = counted and type_of(job)
  if found == 'none' then
    if is_open_word(counted) then count_as(id, { as = counted }, 'lost') end
    call('DEL', metadata, key_of('output', id))
  elseif found == 'hash' then
    local now = call('HMGET', job, 'status', 'error')
    local record = { as = counted }
    if is_final(now[1]) then
      local known = call('HMGET', metadata, 'exit', 'skipped')
      record.exit, record.skipped = known[1] or nil, known[2] or nil
      count_as(id, record, ending_of(record, now[1], now[2] or ''))
    else
      count(id, record, now[1] == 'started' and 'started' or 'dispatched')
    end
  end
end
awaits = false
return with_open({ 'OK', to >= stored and 1 or to + 1, math.max(to - from + 1, 0) })
