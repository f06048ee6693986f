// The handler that a careful team would write with Fastify: verify, then one transaction per request over a pool.
import cluster from "node:cluster";
import Fastify from "fastify";
import pg from "pg";
import { Webhook } from "svix";

const processes = Number(process.env.PROCESSES);

const upsert = {
  name: "upsert",
  text: `insert into peer.users (id, name, email, created_at, updated_at, raw_json)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do update set name = excluded.name, email = excluded.email,
      created_at = excluded.created_at, updated_at = excluded.updated_at, raw_json = excluded.raw_json
    where peer.users.updated_at is null or peer.users.updated_at <= excluded.updated_at`,
};
const remove = {
  name: "remove",
  text: `insert into peer.users (id, deleted_at, raw_json) values ($1, now(), $2)
    on conflict (id) do update set deleted_at = coalesce(peer.users.deleted_at, excluded.deleted_at)`,
};
const seen = {
  name: "seen",
  text: "insert into peer.deliveries (id) values ($1) on conflict do nothing",
};

const clerk = (data) => [
  data.id,
  [data.first_name, data.last_name].filter(Boolean).join(" ") || null,
  data.email_addresses.find((address) => address.id === data.primary_email_address_id)?.email_address ?? null,
  new Date(data.created_at),
  new Date(data.updated_at),
  data,
];
const stack = (data) => [
  data.id,
  data.display_name,
  data.primary_email,
  new Date(data.signed_up_at_millis),
  new Date(),
  data,
];

async function write(client, source, delivery, event) {
  await client.query("begin");
  try {
    const { rowCount } = await client.query(seen, [delivery]);
    if (rowCount > 0) {
      const { data } = event;
      if (event.type === "user.deleted") {
        await client.query(remove, [data.id, { id: data.id }]);
      } else {
        await client.query(upsert, source === "clerk" ? clerk(data) : stack(data));
      }
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

async function serve() {
  // node-postgres takes the directory of a socket from the query, but not the port.
  const url = new URL(process.env.DATABASE_URL.replace("@/", "@localhost/"));
  const pool = new pg.Pool({
    host: url.searchParams.get("host"),
    port: Number(url.searchParams.get("port") ?? 5432),
    user: url.username,
    database: url.pathname.slice(1),
    max: Number(process.env.POOL_SIZE),
  });
  const webhook = new Webhook(process.env.CLERK_WEBHOOK_SECRET);
  const app = Fastify({ bodyLimit: 1 << 20 });
  app.removeContentTypeParser("application/json");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.post("/webhooks/:source", async (request, reply) => {
    let event;
    try {
      event = webhook.verify(request.body, request.headers);
    } catch {
      return reply.code(401).send({ error: "signature" });
    }
    const client = await pool.connect();
    try {
      await write(client, request.params.source, request.headers["svix-id"], event);
    } finally {
      client.release();
    }
    return { ok: true };
  });
  const [host, port] = process.env.LISTEN_ADDR.split(":");
  await app.listen({ host, port: Number(port) });
}

if (processes > 1 && cluster.isPrimary) {
  for (let worker = 0; worker < processes; worker += 1) cluster.fork();
} else {
  await serve();
}
