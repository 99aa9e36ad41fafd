-- GET /people?fields=id&sort=-team.name:nullslast
SELECT count(*) || coalesce(char(31) || group_concat(anon_1.position, char(31)), '') || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', anon_2.id) AS json, json_array((SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = anon_2.team_id), anon_2.id) AS position
FROM (SELECT person_1.id AS id, person_1.team_id AS team_id
FROM person AS person_1 ORDER BY (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) DESC, person_1.id DESC
 LIMIT 51 OFFSET ?) AS anon_2) AS anon_1
-- 0
