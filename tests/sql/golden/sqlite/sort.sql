-- GET /people?sort=-name,budget:nullsfirst&limit=10&offset=20
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', anon_2.id, 'name', anon_2.name, 'budget', onetrip_decimal(anon_2.budget, 2), 'team_id', anon_2.team_id, 'boss_id', anon_2.boss_id) AS json
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id
FROM person AS person_1 ORDER BY person_1.name DESC, person_1.budget ASC, person_1.id ASC
 LIMIT 11 OFFSET ?) AS anon_2) AS anon_1
-- query/offset
