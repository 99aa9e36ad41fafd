-- GET /teams/1/members:aggregate?group=name&max=budget
SELECT (SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT groups.g0 AS name, groups.a0::text AS "max.budget"
FROM (SELECT asked.g0 AS g0, max(asked.a0) AS a0
FROM (SELECT 1 AS one, person_1.name AS g0, person_1.budget AS a0
FROM person AS person_1
WHERE team_1.id = person_1.team_id) AS asked GROUP BY asked.g0) AS groups ORDER BY groups.g0 ASC
 LIMIT 51) AS anon_2) AS anon_1) AS body
FROM team AS team_1
WHERE team_1.id = $1::INTEGER
-- path/id
