-- KEYS: the session.
-- ARGV: now; when it expires if it is used now; how old the last use may be, in microseconds; how
-- much longer the key lives than the session, in milliseconds.
local session = redis.call('HMGET', KEYS[1], 'session_id', 'account_id', 'device_name', 'create_time',
    'last_seen_time', 'expire_time', 'end_time')
if not session[1] then
    return false
end
local now = tonumber(ARGV[1])
if now >= tonumber(session[6]) then
    return false
end
if now - tonumber(session[5]) >= tonumber(ARGV[3]) then
    local expire = ARGV[2]
    if tonumber(expire) > tonumber(session[7]) then
        expire = session[7]
    end
    local left = math.ceil((tonumber(expire) - now) / 1000) + tonumber(ARGV[4])
    -- A server that takes no writes must not end a session: pcall.
    redis.pcall('PEXPIRE', KEYS[1], string.format('%.0f', left))
    local touched = redis.pcall('HSET', KEYS[1], 'last_seen_time', ARGV[1], 'expire_time', expire)
    if type(touched) == 'number' then
        session[5] = ARGV[1]
        session[6] = expire
    end
end
return session
