-- GET /people?fields=id,reports.count,projects.count
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT person_1.id AS id, (SELECT count(*) AS count_1
FROM person AS person_2
WHERE person_1.id = person_2.boss_id) AS "reports.count", (SELECT count(*) AS count_2
FROM project AS project_1, membership AS membership_1
WHERE person_1.id = membership_1.person_id AND project_1.id = membership_1.project_id) AS "projects.count"
FROM person AS person_1 ORDER BY person_1.id ASC
 LIMIT 51) AS anon_2) AS anon_1
-- no parameters
