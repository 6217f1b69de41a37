-- list: reads what a list of jobs shows of each: its fields without those that may be large, the beginning of its
-- payload, and its bookkeeping.
--
-- KEYS  job and meta of every id
-- ARGV  1 bytes of a payload  2 bytes of the end of the result of a job that failed; 0: none of it
-- FIELDS names of the fields stand in front of this text
-- reply OK  JSON list with an object for every id: type of the job key, its fields, its bookkeeping. One text, because
--           a program reads JSON ten times as fast as as many elements of a reply; all values are texts

local function record_of(items)
  local record = {}
  for i = 1, #items, 2 do
    -- the text of a job that was stored as a string
    if items[i] ~= 'raw' then record[items[i]] = items[i + 1] end
  end
  return record
end

local jobs = {}
for n = 1, #KEYS, 2 do
  local found = type_of(KEYS[n])
  local fields = {}
  local values = found == 'hash' and call('HMGET', KEYS[n], unpack(FIELDS)) or {}
  for i, name in ipairs(FIELDS) do
    if values[i] then fields[name] = values[i] end
  end
  local payload = fields.payload
  if payload and #payload > tonumber(ARGV[1]) then
    -- a character that the cut breaks in two is left out
    fields.payload = string.gsub(string.sub(payload, 1, ARGV[1]), '[\192-\247]?[\128-\191]*$', '') .. '…'
  end
  if ARGV[2] ~= '0' and fields.status == 'error' then
    local result = string.sub(call('HGET', KEYS[n], 'result') or '', -ARGV[2])
    fields.result = string.gsub(result, '^[\128-\191]*', '')
  end
  local meta = type_of(KEYS[n + 1]) == 'hash' and record_of(call('HGETALL', KEYS[n + 1])) or {}
  jobs[#jobs + 1] = { type = found, fields = fields, meta = meta }
end
return { 'OK', cjson.encode(jobs), '.' }
