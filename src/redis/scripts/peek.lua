-- peek: reads the executor of a job.
--
-- KEYS  1 job
-- ARGV  none
-- reply its executor; null when it names none, or is no hash

return { type_of(KEYS[1]) == 'hash' and call('HGET', KEYS[1], 'executor'), '.' }
