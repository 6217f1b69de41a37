-- limits: reads limits: N, and who holds permits or waits for them.
--
-- KEYS  1 limits  2 events
-- ARGV  1 namespace  2 the most holders and waiting jobs to name of each  3... limits, or all that are in use
-- reply OK  ms until jobs with limits start, JSON of a list with an object for each limit: `limit`, `n`, `revision`;
--           `held`, the attempts that count, and `holders`, a list of number and `NAME:INST\nTOKEN\nID` of each;
--           `parked`, the jobs that wait, and `waiting`, a list of the queue and `RANK\nID` of each. That of a
--           queue names none

local bad = unfit(LIMITS, 'hash')
if bad then return bad end
local most, names = tonumber(ARGV[2]), { unpack(ARGV, 3) }
if #names == 0 then names = call('HKEYS', LIMITS) end

local function holders_of(permits)
  local lines, found = {}, call('ZRANGE', permits, 0, most - 1, 'WITHSCORES')
  for i = 1, #found, 2 do lines[#lines + 1] = { found[i + 1], found[i] } end
  return lines
end

local rows = {}
for i, limit in ipairs(names) do
  local n, revision = size_of(limit)
  local row = { limit = limit, n = n, revision = revision, held = 0, parked = 0, holders = {}, waiting = {} }
  local permits, parking = key_of('permits', limit), key_of('parking', limit)
  local queue = string.match(limit, '^runner:(.*)$')
  if queue then
    row.held = used_of(queue)
  elseif type_of(permits) == 'zset' then
    row.held, row.holders = call('ZCARD', permits), holders_of(permits)
  end
  for _, name in ipairs(type_of(parking) == 'set' and call('SMEMBERS', parking) or {}) do
    if type_of(key_of('parked', name)) == 'zset' then
      row.parked = row.parked + call('ZLEXCOUNT', key_of('parked', name), '[' .. limit .. '\n', '(' .. limit .. '\v')
      for _, member in ipairs(parked_in(name, limit, most)) do
        row.waiting[#row.waiting + 1] = { name, (string.match(member, '^[^\n]*\n(.*)$')) }
      end
    end
  end
  rows[i] = row
end
local hold = held_until()
return { 'OK', hold < math.huge and math.max(0, hold - clock()) or 0, #rows > 0 and cjson.encode(rows) or '[]', '.' }
