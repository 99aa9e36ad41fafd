-- GET /books?fields=id
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT book_1.id AS id
FROM book AS book_1
WHERE book_1.deleted_at IS NULL ORDER BY book_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
