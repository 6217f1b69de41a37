-- batch_cancel: marks a batch, so that `settle` ends its members: those that wait are cancelled, those that run are to
-- be stopped by their runners.
--
-- KEYS  1-5 job meta out after events of the id of the batch
-- ARGV  1-3 id channel keep  4 reason, may be empty
-- reply OK       it is marked; then its id, which is left to settle
--       FINAL    all its members had ended
--       MISSING  there is no such batch

local state = state_of_batch(ID)
if not state then return { 'MISSING', '.' } end
if is_final(state) then return { 'FINAL', '.' } end
stop_batch(ID, 'cancel', ARGV[4])
event(EVENTS, 'batch_cancel', 'id', ID, 's', 'stopping')
return { 'OK', ID, '.' }
