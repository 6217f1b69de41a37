-- serve: returns the next request whose sender still waits. Drops one that is larger than any valid request.
--
-- KEYS  1 requests of the instance
-- ARGV  1 bytes of the largest request
-- reply OK    the request
--       NONE  there is none

local bad = unfit(KEYS[1], 'list')
if bad then return bad end
local at = clock()
while true do
  local entry = call('RPOP', KEYS[1])
  if not entry then return { 'NONE', '.' } end
  if #entry <= tonumber(ARGV[1]) then
    local limit, request = string.match(entry, '^(%d+)\n(.*)$')
    if limit and tonumber(limit) > at then return { 'OK', request, '.' } end
  end
end
