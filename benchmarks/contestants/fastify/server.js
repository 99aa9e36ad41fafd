// The same endpoints hand-written with Fastify and pg, idiomatically: response schemas, one query a table, joined here.
import Fastify from "fastify";
import pg from "pg";

const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
const url = new URL(process.env.BENCHMARK_DATABASE.replace("@/", "@localhost/"));
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => text.replace(" ", "T").replace(/\+00$/, "Z"));
const pool = new pg.Pool({
  host: url.searchParams.get("host") ?? url.hostname,
  user: url.username,
  database: url.pathname.slice(1),
  options: "-c TimeZone=UTC",
  max: 8,
});

const integer = { type: "integer" };
const string = { type: "string" };
const object = (properties) => ({ type: "object", properties });
const user = object({ id: integer, email: string, username: string, created_at: string });
const comment = object({ id: integer, body: string, created_at: string, post_id: integer, author_id: integer });
const post = {
  id: integer, title: string, content: string, views: integer, published: { type: "boolean" }, created_at: string,
  author_id: integer,
};
const POST = 'SELECT id, title, content, views, published, created_at, author_id FROM post';
const list = { name: "list", text: `${POST} ORDER BY id LIMIT $1 OFFSET $2` };
const one = { name: "one", text: `${POST} WHERE id = $1` };
const authors = { name: "authors", text: 'SELECT id, email, username, created_at FROM "user" WHERE id = ANY($1)' };
const comments = {
  name: "comments",
  text: "SELECT id, body, created_at, post_id, author_id FROM comment WHERE post_id = ANY($1) ORDER BY id",
};

const app = Fastify();
const paging = {
  type: "object",
  properties: { limit: { ...integer, minimum: 0, maximum: 1000, default: 50 }, offset: { ...integer, minimum: 0, default: 0 } },
};
app.get("/posts", {
  schema: { querystring: paging, response: { 200: { type: "array", items: object(post) } } },
}, async (request) => (await pool.query({ ...list, values: [request.query.limit, request.query.offset] })).rows);

app.get("/posts/:id", {
  schema: { params: object({ id: integer }), response: { 200: object(post) } },
}, async (request, reply) => {
  const { rows } = await pool.query({ ...one, values: [request.params.id] });
  return rows[0] ?? reply.code(404).send({ detail: "Not found" });
});

app.get("/posts/detailed", {
  schema: {
    querystring: paging,
    response: { 200: { type: "array", items: object({ ...post, author: user, comments: { type: "array", items: comment } }) } },
  },
}, async (request) => {
  const { rows: posts } = await pool.query({ ...list, values: [request.query.limit, request.query.offset] });
  const [written, said] = await Promise.all([
    pool.query({ ...authors, values: [posts.map((row) => row.author_id)] }),
    pool.query({ ...comments, values: [posts.map((row) => row.id)] }),
  ]);
  const byId = new Map(written.rows.map((row) => [row.id, row]));
  const byPost = new Map(posts.map((row) => [row.id, []]));
  for (const row of said.rows) byPost.get(row.post_id).push(row);
  return posts.map((row) => ({ ...row, author: byId.get(row.author_id), comments: byPost.get(row.id) }));
});

await app.listen({ host: "127.0.0.1", port });
