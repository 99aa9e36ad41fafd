-- GET /people?fields=id,reports.count,projects.count
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, (SELECT count(*) AS count_1
FROM person AS person_1
WHERE anon_3.id = person_1.boss_id) AS "reports.count", (SELECT count(*) AS count_2
FROM project AS project_1, membership AS membership_1
WHERE anon_3.id = membership_1.person_id AND project_1.id = membership_1.project_id) AS "projects.count"
FROM (SELECT person_2.id AS id
FROM person AS person_2 ORDER BY person_2.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
