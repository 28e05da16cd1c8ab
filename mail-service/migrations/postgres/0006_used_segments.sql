-- Replaced segments stay for minutes: a mailbox that has grown fast has a thousand of them beside the dozen in use.
CREATE INDEX search_segments_used ON search_segments (owner_id) WHERE state = 2;
