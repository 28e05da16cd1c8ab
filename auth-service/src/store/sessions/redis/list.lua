-- KEYS: the account's index.
-- ARGV: the prefix of sessions' keys; now.
local sessions = {}
local index = redis.call('HGETALL', KEYS[1])
for i = 1, #index, 2 do
    local key = ARGV[1] .. index[i + 1]
    local session = redis.call('HMGET', key, 'session_id', 'account_id', 'device_name', 'create_time',
        'last_seen_time', 'expire_time', 'end_time')
    if session[1] and tonumber(ARGV[2]) < tonumber(session[6]) then
        sessions[#sessions + 1] = session
    end
end
return sessions
