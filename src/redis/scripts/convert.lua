-- convert: turns a job that was stored as a JSON string into a hash, unless a client changed it meanwhile. The caller
-- parses the string, because Lua's cjson mangles large numbers and empty lists.
--
-- KEYS  1 job  2 meta
-- ARGV  1 the string that was read  2... fields of the job
-- reply OK       the job is a hash; meta.raw is the string
--       CHANGED  it is another string, or none; nothing was changed

if type_of(KEYS[1]) ~= 'string' or call('GET', KEYS[1]) ~= ARGV[1] then return { 'CHANGED', '.' } end

call('DEL', KEYS[1])
fill(KEYS[1], ARGV, 2, #ARGV)
if usable(KEYS[2], 'hash') then call('HSET', KEYS[2], 'raw', ARGV[1]) end
return { 'OK', '.' }
