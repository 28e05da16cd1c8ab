-- Each service has a database of its own, which the other cannot open.
CREATE ROLE accounts LOGIN PASSWORD 'dev-only';
CREATE DATABASE accounts OWNER accounts;
REVOKE CONNECT ON DATABASE accounts FROM PUBLIC;

CREATE ROLE mail LOGIN PASSWORD 'dev-only';
CREATE DATABASE mail OWNER mail;
REVOKE CONNECT ON DATABASE mail FROM PUBLIC;
