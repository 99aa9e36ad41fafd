-- GET /people:aggregate?group=team_id&count=*&avg=budget&having=(count=2,avg.budget=9)&sort=-count
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT groups.g0 AS team_id, groups.a0 AS count, groups.a1::text AS "avg.budget"
FROM (SELECT asked.g0 AS g0, count(*) AS a0, round(avg(asked.a1), 6) AS a1
FROM (SELECT 1 AS one, person_1.team_id AS g0, person_1.budget AS a1
FROM person AS person_1) AS asked GROUP BY asked.g0) AS groups
WHERE groups.a0 = $1::BIGINT AND groups.a1 = $2::NUMERIC ORDER BY groups.a0 DESC, groups.g0 DESC
 LIMIT 51) AS anon_2) AS anon_1
-- query/having/count__eq, query/having/avg.budget
