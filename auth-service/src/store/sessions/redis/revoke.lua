-- KEYS: the account's index; the log of revocations.
-- ARGV: the prefix of sessions' keys; now; the account; the one session, or empty for all; the one
-- to keep, or empty; about how many revocations the log keeps.
local index = {}
if ARGV[4] ~= '' then
    local hash = redis.call('HGET', KEYS[1], ARGV[4])
    if hash then
        index = { ARGV[4], hash }
    end
else
    index = redis.call('HGETALL', KEYS[1])
end
local ended = 0
for i = 1, #index, 2 do
    if index[i] ~= ARGV[5] then
        local key = ARGV[1] .. index[i + 1]
        local expire = redis.call('HGET', key, 'expire_time')
        -- First what needs no room: after it the log may be written even at maxmemory.
        redis.call('DEL', key)
        redis.call('HDEL', KEYS[1], index[i])
        if expire and tonumber(ARGV[2]) < tonumber(expire) then
            redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'session_id', index[i],
                'account_id', ARGV[3])
            ended = ended + 1
        end
    end
end
return ended
