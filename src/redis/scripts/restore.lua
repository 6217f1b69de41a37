-- restore: gives an attempt and its end back to a Redis that has forgotten them. It is one step, so that nothing
-- meanwhile takes the attempt for one that runs. In front of this text stand the scripts `reassert` and `finish` as
-- functions.
--
-- KEYS  those of `reassert`, among which are those of `finish`
-- ARGV  1-3 id channel keep  4 how many arguments are those of `reassert` alone, then these, then those of `finish`
--       alone
-- reply that of `finish`; FENCED, FINAL and FOREIGN also as `reassert` has them

local first, second = { ARGV[1], ARGV[2], ARGV[3] }, { ARGV[1], ARGV[2], ARGV[3] }
local last = 4 + ARGV[4]
for i = 5, #ARGV do
  local list = i <= last and first or second
  list[#list + 1] = ARGV[i]
end
local answer = reassert(KEYS, first)
if answer[1] ~= 'OK' and answer[1] ~= 'DONE' then return answer end
return finish({ KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[8], KEYS[12] }, second)
