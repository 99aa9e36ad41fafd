-- GET /people/1
SELECT anon_1.json AS body
FROM (SELECT json_object('id', person_1.id, 'name', person_1.name, 'budget', onetrip_decimal(person_1.budget, 2), 'team_id', person_1.team_id, 'boss_id', person_1.boss_id) AS json
FROM person AS person_1
WHERE person_1.id = ?) AS anon_1
-- path/id
