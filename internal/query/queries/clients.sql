-- Which clients and versions are in use?
-- Clients as they name themselves, with version and system: for questions about an outdated SDK or a browser that should not be there.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- What a client calls itself is its own word. NULL is a client that is not known here; its text is in the column user_agent.
SELECT user_agent_name AS client, user_agent_version AS version, user_agent_os AS system,
       count(*) AS requests,
       count(DISTINCT coalesce(requester, remote_ip)) AS requesters,
       count(DISTINCT bucket_name) AS buckets,
       min(request_time) AS first_seen, max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND user_agent IS NOT NULL
GROUP BY user_agent_name, user_agent_version, user_agent_os
ORDER BY requests DESC, client, version, system
LIMIT :limit
