-- list: reads what a list of jobs shows of each: its fields without those that may be large, the beginning of its
-- payload, and its metadata.
--
-- KEYS  job and meta of every id
-- ARGV  1 bytes of a payload  2 bytes of the end of the result of a job that failed; 0: none of it  3 key of a batch
--       without its id, then the ids
-- FIELDS, the names of the fields, precedes this text.
-- reply OK  JSON list with an object for every id: type of the job key, its fields, its metadata; all values are texts.
--           One text, because a client parses JSON ten times as fast as a reply with as many elements

local function record_of(items)
  local record = {}
  for i = 1, #items, 2 do
    -- `raw` is the text of a job that was stored as a string
    if items[i] ~= 'raw' then record[items[i]] = items[i + 1] end
  end
  return record
end

-- Adds to the metadata of a member what it shares with the others of its batch.
local records = {}
local function with_shared(meta, id)
  local batch = meta.as and string.match(id, '^(.+)%.%d+$')
  if not batch then return meta end
  if not records[batch] then
    local found = redis.pcall('HGETALL', ARGV[3] .. batch)
    records[batch] = found.err and {} or record_of(found)
  end
  for name, value in pairs(records[batch]) do
    local own = string.match(name, '^of:(.*)$')
    if own and not meta[own] then meta[own] = value end
  end
  return meta
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
    -- without a character that the cut splits
    fields.payload = string.gsub(string.sub(payload, 1, ARGV[1]), '[\192-\247]?[\128-\191]*$', '') .. '…'
  end
  if ARGV[2] ~= '0' and fields.status == 'error' then
    local result = string.sub(call('HGET', KEYS[n], 'result') or '', -ARGV[2])
    fields.result = string.gsub(result, '^[\128-\191]*', '')
  end
  local meta = type_of(KEYS[n + 1]) == 'hash' and record_of(call('HGETALL', KEYS[n + 1])) or {}
  local id = ARGV[3 + (n + 1) / 2]
  jobs[#jobs + 1] = { type = found, fields = fields, meta = with_shared(meta, id) }
end
return { 'OK', cjson.encode(jobs), '.' }
