-- GET /people:aggregate?group=team.name,boss_id&count=*&sum=budget&name__contains=a
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT groups.g0 AS "team.name", groups.g1 AS boss_id, groups.a0 AS count, groups.a1::text AS "sum.budget"
FROM (SELECT asked.g0 AS g0, asked.g1 AS g1, count(*) AS a0, sum(asked.a1)::numeric AS a1
FROM (SELECT 1 AS one, (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = person_1.team_id) AS g0, person_1.boss_id AS g1, person_1.budget AS a1
FROM person AS person_1
WHERE person_1.name LIKE $1::VARCHAR) AS asked GROUP BY asked.g0, asked.g1) AS groups ORDER BY groups.g0 ASC, groups.g1 ASC
 LIMIT 51) AS anon_2) AS anon_1
-- query/name__contains
