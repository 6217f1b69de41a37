-- request: asks the runner that has an attempt to do something with its terminal, or for its output.
--
-- KEYS  1 job  2 meta  3 lease  4 requests of the instance
-- ARGV  1 token of the attempt  2 instance  3 channel of the requests  4 ms that the sender waits for the reply
--       5 request  6 '1': also of an attempt that has ended
-- reply OK      the entry as it is stored in the list
--       OVER    the attempt does not run, or not there; with ARGV 6, the job is gone
--       SILENT  ms since the lease of the instance ended, or '' when there is none
--       FULL    64 requests wait already

local JOB, META, LEASE, REQUESTS = unpack(KEYS, 1, 4)

local bad = unfit(META, 'hash') or unfit(LEASE, 'zset') or unfit(REQUESTS, 'list')
if bad then return bad end
if type_of(JOB) ~= 'hash' then return { 'OVER', '.' } end
if ARGV[6] ~= '1' then
  local owner = call('HMGET', META, 'token', 'instance', 'done')
  local runs = call('HGET', JOB, 'status') == 'started' and owner[3] ~= ARGV[1]
  if not runs or owner[1] ~= ARGV[1] or owner[2] ~= ARGV[2] then return { 'OVER', '.' } end
end
local at = clock()
local lease = tonumber(call('ZSCORE', LEASE, ARGV[2]) or '')
if not lease then return { 'SILENT', '', '.' } end
if lease <= at then return { 'SILENT', string.format('%.0f', at - lease), '.' } end
call('LREM', REQUESTS, 0, '')
-- those whose senders wait no more, which a runner has not served
while call('LLEN', REQUESTS) >= 64 do
  local due = tonumber(string.match(call('LINDEX', REQUESTS, -1), '^(%d+)\n') or '0')
  if due > at then
    call('PUBLISH', ARGV[3], '')
    return { 'FULL', '.' }
  end
  call('RPOP', REQUESTS)
end
local entry = string.format('%.0f', at + ARGV[4]) .. '\n' .. ARGV[5]
call('LPUSH', REQUESTS, entry)
-- longer than its entries are valid: a sender that gives up can detect whether its entry was served
call('PEXPIRE', REQUESTS, ARGV[4] + 5000)
call('PUBLISH', ARGV[3], '')
return { 'OK', entry, '.' }
