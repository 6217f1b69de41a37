-- Follows waiting.lua: ends the members of a batch that is to stop.

-- The most members that one event ends.
local MEMBERS = 500

-- Removes ids from the next ones of a list. `start` drops those that are further behind.
local function remove_next(list, ids)
  if not usable(list, 'list') then return end
  local window = call('LRANGE', list, -2 * MEMBERS, -1)
  local kept = {}
  for _, id in ipairs(window) do
    if not ids[id] then kept[#kept + 1] = id end
  end
  if #kept == #window then return end
  call('LTRIM', list, 0, -#window - 1)
  for i = 1, #kept, 1000 do call('RPUSH', list, unpack(kept, i, math.min(i + 999, #kept))) end
end

-- Ends the next members that wait, and asks the runners of those that run to stop them when the batch is cancelled.
local function stop_members()
  local key, batch, at = key_of('batch', ID), record_of(ID), clock()
  local from, stored = number(batch.cursor) or 0, number(batch.stored) or 0
  local to, runner = math.min(from + MEMBERS, stored), batch.runner or ''
  local stop, seconds = stop_of(ID .. '.1', { as = '' }), number(batch['of:keep'])
  local keep, word = seconds and seconds * 1000 or DEFAULT_KEEP, stop.skipped and 'skipped' or 'cancelled'
  local gone, asked, parents = {}, false, {}
  -- Ends a member that waits; it is counted with the others.
  local function end_member(id, job, metadata, has_run)
    call('HSET', job, 'status', 'error', 'error', stop.why, 'updated_at', stamp(at))
    call('HSET', metadata, 'exit', stop.exit, 'ended_ms', at, 'as', word, stop.skipped and 'skipped' or 'exit',
      stop.skipped and '1' or stop.exit)
    expire(keep, job, metadata)
    if has_run then expire(keep, key_of('output', id)) end
    event(EVENTS, stop.skipped and 'skipped' or 'cancel', 'id', id, 's', 'error', 'n', runner)
    call('PUBLISH', key_of('channel', id), 'error')
    if call('EXISTS', key_of('after', id)) == 1 then parents[#parents + 1] = id end
    gone[id], gone[#gone + 1] = true, id
  end
  for index = from + 1, to do
    local id = ID .. '.' .. string.format('%.0f', index)
    local job, metadata = key_of('job', id), key_of('meta', id)
    local found = redis.pcall('HMGET', metadata, 'as', 'token', 'cancel', 'parked', 'rank')
    local state = found[1] and redis.pcall('HGET', job, 'status')
    if (state == '' or state == 'dispatched') and found[1] == 'q' then
      local limit, name = string.match(found[4] or '', '^([^\n]*)\n(.*)$')
      if limit then
        call('HDEL', metadata, 'parked')
        local parked = key_of('parked', name)
        if usable(parked, 'zset') then call('ZREM', parked, limit .. '\n' .. (found[5] or '') .. '\n' .. id) end
      end
      end_member(id, job, metadata, found[2])
    elseif state == 'started' and batch.stopping == 'cancel' and not found[3] then
      call('HSET', metadata, 'cancel', batch.reason or '')
      event(EVENTS, 'cancel', 'id', id, 's', 'started')
      call('PUBLISH', key_of('channel', id), 'started')
      asked = true
    end
  end
  if #gone > 0 then
    move(ID, 'q', word, #gone, string.match(gone[#gone], '%d+$'), gone[#gone])
    remove_next(key_of('queue', runner), gone)
    remove_next(key_of('low', runner), gone)
    if usable(key_of('delay', runner), 'zset') then call('ZREM', key_of('delay', runner), unpack(gone)) end
    pass_on(limits_of(ID .. '.1', { as = '' }))
  end
  if asked then call('PUBLISH', key_of('wake', runner), '') end
  local unsettled = key_of('unsettled', '')
  if to < stored then
    call('HSET', key, 'cursor', to)
    STOPPING[#STOPPING + 1] = ID
  else
    call('HDEL', key, 'stopping', 'cursor')
    call('HSET', key, 'stopped', batch.stopping)
    if usable(unsettled, 'set') then call('SREM', unsettled, ID) end
    if is_final(state_of_batch(ID)) and #COMPLETE == 0 then complete_batch(ID) end
  end
  for _, id in ipairs(parents) do COMPLETE[#COMPLETE + 1] = id end
  awaits = false
  return with_open({ 'OK' })
end
