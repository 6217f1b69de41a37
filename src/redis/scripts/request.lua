-- request: asks the runner that holds an attempt to do something with its terminal.
--
-- KEYS  1 job  2 meta  3 lease  4 requests of the instance
-- ARGV  1 token of the attempt  2 instance  3 channel of the requests  4 ms until nobody waits for the answer  5
--       request
-- reply OK      the entry as it stands in the list
--       OVER    the attempt does not run, or not there
--       SILENT  ms since the lease of the instance ended, or '' when there is none
--       FULL    64 requests wait already

local bad = unfit(KEYS[2], 'hash') or unfit(KEYS[3], 'zset') or unfit(KEYS[4], 'list')
if bad then return bad end
if type_of(KEYS[1]) ~= 'hash' or call('HGET', KEYS[1], 'status') ~= 'started' then return { 'OVER', '.' } end
local owner = call('HMGET', KEYS[2], 'token', 'instance', 'done')
if owner[1] ~= ARGV[1] or owner[2] ~= ARGV[2] or owner[3] == ARGV[1] then return { 'OVER', '.' } end
local at = clock()
local lease = tonumber(call('ZSCORE', KEYS[3], ARGV[2]) or '')
if not lease then return { 'SILENT', '', '.' } end
if lease <= at then return { 'SILENT', string.format('%.0f', at - lease), '.' } end
if call('LLEN', KEYS[4]) >= 64 then return { 'FULL', '.' } end

call('LREM', KEYS[4], 0, '')
local entry = string.format('%.0f', at + ARGV[4]) .. '\n' .. ARGV[5]
call('LPUSH', KEYS[4], entry)
-- longer than its entries count: who gives up can tell whether his was taken
call('PEXPIRE', KEYS[4], ARGV[4] + 5000)
call('PUBLISH', ARGV[3], '')
return { 'OK', entry, '.' }
