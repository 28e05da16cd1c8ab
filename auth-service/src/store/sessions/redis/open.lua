-- KEYS: the session; the account's index.
-- ARGV: the prefix of sessions' keys; the token's hash; now; how long the session and its account's
-- index live, in milliseconds; then the session's fields in their order.
-- The first write fails if there is no room, and nothing has been written then.
redis.call('HSET', KEYS[1], 'session_id', ARGV[6], 'account_id', ARGV[7], 'device_name', ARGV[8],
    'create_time', ARGV[9], 'last_seen_time', ARGV[10], 'expire_time', ARGV[11], 'end_time', ARGV[12])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('HSET', KEYS[2], ARGV[6], ARGV[2])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[5]) then
    redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
-- Now and then, what has expired leaves the index.
if redis.call('HLEN', KEYS[2]) % 16 == 0 then
    local index = redis.call('HGETALL', KEYS[2])
    for i = 1, #index, 2 do
        if redis.call('EXISTS', ARGV[1] .. index[i + 1]) == 0 then
            redis.call('HDEL', KEYS[2], index[i])
        end
    end
end
return 1
