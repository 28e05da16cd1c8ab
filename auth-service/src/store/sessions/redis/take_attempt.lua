-- KEYS: the counters.
-- ARGV: how long they live, in milliseconds; the most that each may count to.
for i, key in ipairs(KEYS) do
    if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[i + 1]) then
        return 0
    end
end
for _, key in ipairs(KEYS) do
    redis.call('INCR', key)
    redis.call('PEXPIRE', key, ARGV[1])
end
return 1
