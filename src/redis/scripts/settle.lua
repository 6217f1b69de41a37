-- settle: goes on with the jobs that wait for an ended job or batch: queues or delays those whose conditions are met,
-- and ends those that can never start. Of a batch that is to stop, it ends the next members.
--
-- KEYS  1-5 job meta out after events
-- ARGV  1-3 id channel keep  4 '' for any; else a cursor, at first '0': only those whose condition is met
-- reply OK     then what is left: ended jobs for which others still wait, batches whose members are to end
--       NEXT   the next cursor, '0' at the end
--       ALIVE  the job has not ended: those that wait for it do so

if type_of(JOB) == 'none' and record_of(ID).stopping then return stop_members() end
local state = state_of(ID)
local key = key_of('unsettled', '')
if state and not is_final(state) then
  if usable(key, 'set') then call('SREM', key, ID) end
  return { 'ALIVE', '.' }
end
if ARGV[4] ~= '' then
  if type_of(AFTER) ~= 'set' then return { 'NEXT', '0', '.' } end
  local found = call('SSCAN', AFTER, ARGV[4], 'COUNT', PAGE)
  for _, member in ipairs(found[2]) do
    if settle_one(member, ID, state, true) == 'met' then call('SREM', AFTER, member) end
  end
  return { 'NEXT', found[1], '.' }
end

if type_of(AFTER) ~= 'set' and usable(key, 'set') then call('SREM', key, ID) end
return with_open({ 'OK' })
