-- GET /books?fields=id,writer.books.id
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, (SELECT row_to_json(anon_4.*) AS json
FROM (SELECT array_to_json(ARRAY(SELECT row_to_json(anon_5.*) AS json
FROM (SELECT anon_6.id AS id
FROM (SELECT book_1.id AS id
FROM book AS book_1
WHERE book_1.deleted_at IS NULL AND writer_1.id = book_1.writer_id ORDER BY book_1.id ASC
 LIMIT 100) AS anon_6) AS anon_5)) AS books
FROM writer AS writer_1
WHERE writer_1.deleted_at IS NULL AND writer_1.id = anon_3.writer_id) AS anon_4) AS writer
FROM (SELECT book_2.id AS id, book_2.writer_id AS writer_id
FROM book AS book_2
WHERE book_2.deleted_at IS NULL ORDER BY book_2.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
