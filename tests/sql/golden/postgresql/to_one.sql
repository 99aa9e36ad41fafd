-- GET /people/1/team
SELECT (SELECT convert_to(anon_1.json::text, 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT team_1.id AS id, team_1.name AS name
FROM team AS team_1
WHERE team_1.id = person_1.team_id) AS anon_2) AS anon_1) AS body
FROM person AS person_1
WHERE person_1.id = $1::INTEGER
-- path/id
