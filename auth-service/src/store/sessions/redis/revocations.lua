-- KEYS: the log of revocations.
-- ARGV: the position to go on after; how many entries at most.
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
if #first == 0 then
    return {}
end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local answer = { first[1][1], last[1][1] }
if not string.match(ARGV[1], '^%d+%-%d+$') then
    return answer
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
    local fields = entry[2]
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = fields[1] == 'session_id' and fields[2] or ''
    answer[#answer + 1] = fields[3] == 'account_id' and fields[4] or ''
end
return answer
