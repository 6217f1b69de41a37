-- instances: reads the records of some instances, and how many attempts each of them owns.
--
-- KEYS  instance and attempts of every instance
-- ARGV  none
-- reply OK  JSON list with an object for every instance: `fields` of its record, and `running`, the number of
--           attempts that it owns. A key that holds a foreign value counts as empty

local instances = {}
for n = 1, #KEYS, 2 do
  local fields = {}
  local items = type_of(KEYS[n]) == 'hash' and call('HGETALL', KEYS[n]) or {}
  for i = 1, #items, 2 do fields[items[i]] = items[i + 1] end
  local running = type_of(KEYS[n + 1]) == 'hash' and call('HLEN', KEYS[n + 1]) or 0
  instances[#instances + 1] = { fields = fields, running = running }
end
return { 'OK', cjson.encode(instances), '.' }
