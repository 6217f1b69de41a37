-- forget: forgets the names of queues that are empty and not paused, and that no runner has served lately.
--
-- KEYS  1 names, then queue low delay paused lease history parked of every name
-- ARGV  names
-- reply OK  number of names that were forgotten

local count = 0
for n, name in ipairs(ARGV) do
  count = count + forget_name(KEYS[1], name, unpack(KEYS, 7 * n - 5, 7 * n + 1))
end
return { 'OK', count, '.' }
