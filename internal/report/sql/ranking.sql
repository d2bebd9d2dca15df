-- What is largest, over all and in each bucket of the filter, with its share of
-- every bin. The records are read once.
WITH places(bucket_name, place) AS (VALUES {places}),
cube AS MATERIALIZED (
  SELECT {entity} AS entity,
         coalesce(p.place, -1) AS place,
         CASE WHEN epoch_ms({time}) // 1000 < :start THEN -1
              WHEN (epoch_ms({time}) // 1000 - :start) // :step >= :bins THEN -1
              ELSE (epoch_ms({time}) // 1000 - :start) // :step END AS bin,
         count(*) AS n,
         count(*) FILTER (WHERE {failed}) AS failed,
         sum({bytes}) AS bytes
  FROM {table} AS l
  LEFT JOIN places AS p ON p.bucket_name = l.bucket_name
  WHERE dt BETWEEN :from AND :to
    AND {where}
  GROUP BY ALL
),
best AS MATERIALIZED (
  SELECT scope, entity,
         row_number() OVER (PARTITION BY scope ORDER BY {order} DESC NULLS LAST, n DESC, entity) AS rank,
         count(*) OVER (PARTITION BY scope) AS of
  FROM (
    SELECT -1 AS scope, entity, sum(n) AS n, sum(bytes) AS bytes FROM cube GROUP BY entity
    UNION ALL
    SELECT place, entity, sum(n), sum(bytes) FROM cube WHERE place >= 0 GROUP BY place, entity
  ) AS sums
  QUALIFY rank <= CASE WHEN scope < 0 THEN :most ELSE :some END
)
SELECT b.scope, b.rank, b.of, b.entity, c.bin, CAST(sum(c.n) AS bigint) AS n, CAST(sum(c.failed) AS bigint) AS failed, sum(c.bytes) AS bytes
FROM best AS b
JOIN cube AS c ON c.entity IS NOT DISTINCT FROM b.entity AND (b.scope = -1 OR b.scope = c.place)
GROUP BY ALL
ORDER BY scope, rank, bin
