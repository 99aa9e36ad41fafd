-- GET /people?fields=id&sort=-name,budget:nullsfirst,team.name&after=x
SELECT count(*) || coalesce(char(31) || group_concat(anon_1.position, char(31)), '') || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', anon_2.id) AS json, json_array(anon_2.name, CASE typeof(anon_2.budget) WHEN 'text' THEN anon_2.budget WHEN 'null' THEN NULL ELSE json(onetrip_position(anon_2.budget)) END, (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = anon_2.team_id), anon_2.id) AS position
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget AS budget, person_1.team_id AS team_id
FROM person AS person_1
WHERE person_1.name <= ? AND (person_1.name < ? OR person_1.budget >= ? AND (person_1.budget > ? OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) > ? OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) IS NULL OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) = ? AND person_1.id > ?)) ORDER BY person_1.name DESC, person_1.budget ASC, (SELECT team_3.name
FROM team AS team_3
WHERE team_3.id = person_1.team_id) ASC NULLS LAST, person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_2) AS anon_1
-- query/after, query/after, query/after, query/after, query/after, query/after, query/after, 0
