-- KEYS: the log of revocations. An empty one gets an entry that says nothing, so that every
-- position is an entry's and a lost log is noticed.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if #last > 0 then
    return last[1][1]
end
return redis.call('XADD', KEYS[1], '*', 'begin', '')
