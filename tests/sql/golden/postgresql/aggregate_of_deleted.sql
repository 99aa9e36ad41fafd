-- GET /writers/1/books:aggregate
SELECT (SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT groups.a0 AS count
FROM (SELECT count(*) AS a0
FROM (SELECT 1 AS one
FROM book AS book_1
WHERE book_1.deleted_at IS NULL AND writer_1.id = book_1.writer_id) AS asked) AS groups
 LIMIT 51) AS anon_2) AS anon_1) AS body
FROM writer AS writer_1
WHERE writer_1.deleted_at IS NULL AND writer_1.id = $1::INTEGER
-- path/id
