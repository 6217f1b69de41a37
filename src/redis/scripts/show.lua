-- show: appends live output of an attempt that runs. An ended job gets no more, so that all its keys expire together.
--
-- KEYS  1-5 job meta out after events
-- ARGV  1-3 id channel keep  4 token of the attempt  5 its number  6 the most pieces to keep, then offset and bytes of
--       each piece
-- reply OK    it is stored: number of clients that follow the output
--       OVER  the attempt has ended, or is not the one of the job

local bad = unfit(OUT, 'stream') or unfit(KEYS[2], 'hash')
if bad then return bad end
local owner = call('HMGET', KEYS[2], 'token', 'done')
if owner[1] ~= ARGV[4] or owner[2] == ARGV[4] then return { 'OVER', '.' } end
for i = 7, #ARGV, 2 do
  call('XADD', OUT, 'MAXLEN', '~', ARGV[6], '*', 'a', ARGV[5], 'o', ARGV[i], 'd', ARGV[i + 1])
end
return { 'OK', call('PUBLISH', CHANNEL .. ':output', ''), '.' }
