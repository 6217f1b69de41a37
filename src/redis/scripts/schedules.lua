-- schedules: reads all schedules, and forgets names of removed ones whose records have expired.
--
-- KEYS  1 state  2 due
-- ARGV  1 key of a record without the name  2 key of a job without the id
-- reply OK  Redis' clock in ms, birth and version of the schedules, both '' when there are none, ms until which nothing
--           fires or '', JSON of a list: name, then fields of the record; JSON of names whose firing has nothing to do
--           but wait, as the last job has not ended

local STATE, DUE = KEYS[1], KEYS[2]

local bad = unfit(STATE, 'hash') or unfit(DUE, 'zset')
if bad then return bad end
local state = call('HMGET', STATE, 'birth', 'version', 'hold')
local found, waiting = {}, {}
local function waits(key)
  local own = call('HMGET', key, 'held', 'overlap', 'job')
  local job = ARGV[2] .. (own[3] or '')
  if not own[1] or own[2] ~= 'queue' or type_of(job) ~= 'hash' then return false end
  local status = call('HGET', job, 'status')
  return status ~= 'finished' and status ~= 'error'
end
for _, name in ipairs(call('ZRANGE', DUE, 0, -1)) do
  local key = ARGV[1] .. name
  local fields = type_of(key) == 'hash' and call('HGETALL', key) or {}
  if #fields == 0 then
    call('ZREM', DUE, name)
  else
    table.insert(fields, 1, name)
    found[#found + 1] = fields
    if waits(key) then waiting[#waiting + 1] = name end
  end
end
local function json(list)
  return #list == 0 and '[]' or cjson.encode(list)
end
return { 'OK', clock(), state[1] or '', state[2] or '', state[3] or '', json(found), json(waiting), '.' }
