-- restore: restores an attempt and its end in a Redis that has lost them. It is one step, so that no client meanwhile
-- sees the attempt as one that runs. The scripts `reassert` and `finish` precede this text as functions.
--
-- KEYS  those of `reassert`, among which are those of `finish`
-- ARGV  1-3 id channel keep  4 number of arguments that are those of `reassert` alone, then these, then those of
--       `finish` alone
-- reply that of `finish`; FENCED, FINAL and FOREIGN also as `reassert` has them

local JOB, META, OUT, AFTER, EVENTS, ATTEMPTS, DELAY = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[8], KEYS[12]

local first, second = { ARGV[1], ARGV[2], ARGV[3] }, { ARGV[1], ARGV[2], ARGV[3] }
local last = 4 + ARGV[4]
for i = 5, #ARGV do
  local list = i <= last and first or second
  list[#list + 1] = ARGV[i]
end
local restored = reassert(KEYS, first)
if restored[1] ~= 'OK' and restored[1] ~= 'DONE' then return restored end
return finish({ JOB, META, OUT, AFTER, EVENTS, ATTEMPTS, DELAY }, second)
