// The real program before a Postgres of its own, for tests that need what only npm has.
import { spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");
export const PROGRAM = join(TARGET, "debug", "users-sync");
export const ADMIN_TOKEN = "the token of the browser's tests";
const KEY = Buffer.from("the key of the tests: 32 bytes !");

export class Service {
  // The answer's `databaseUrl` is that of an empty, migrated database.
  static async start() {
    const directory = await mkdtemp(join(tmpdir(), "us-"));
    // Postgres refuses root: the account that it gets instead has to enter.
    await chmod(directory, 0o755);
    const { PATH, PG_BIN_DIR } = process.env;
    const variables = {
      PATH,
      ...(PG_BIN_DIR && { PG_BIN_DIR }),
      ADMIN_TOKEN,
      CLERK_WEBHOOK_SECRET: `whsec_${KEY.toString("base64")}`,
      JOURNAL_BODIES: "all",
      LISTEN_ADDR: "127.0.0.1:0",
      USERS_SYNC_DATA_DIR: join(directory, "data"),
    };
    const stdio = ["ignore", "pipe", "inherit"];
    const child = spawn(PROGRAM, ["serve"], { cwd: directory, env: { ...variables, RUST_LOG: "off" }, stdio });
    process.once("exit", () => child.kill());
    const service = new Service();
    Object.assign(service, { child, directory, ended: once(child, "exit"), ...(await said(child)) });
    service.database = new pg.Client(service.databaseUrl);
    await service.database.connect();
    return service;
  }

  async stop() {
    try {
      await this.left();
    } finally {
      await this.database.end();
      this.child.kill("SIGTERM");
      await this.ended;
      await rm(this.directory, { recursive: true });
    }
  }

  // Waits until no other client is connected: a client that is still closing would report that the server stops.
  async left() {
    const others = `select from pg_stat_activity
      where backend_type = 'client backend' and application_name <> 'users-sync' and pid <> pg_backend_pid()`;
    const deadline = Date.now() + 10_000;
    while ((await this.database.query(others)).rowCount > 0) {
      if (Date.now() > deadline) throw new Error("a connection to the database was left open");
      await setTimeout(20);
    }
  }

  // Posts a signed user.created of Clerk's, made now, with these fields of `data`; answers the outcome and the
  // delivery's id.
  async receive(fields) {
    const file = join(ROOT, "tests/fixtures/clerk/user.created.json");
    const body = JSON.parse(await readFile(file, "utf8"));
    Object.assign(body.data, { updated_at: Date.now() }, fields);
    return this.post(JSON.stringify(body));
  }

  async post(body) {
    const id = `msg_${randomUUID()}`;
    const timestamp = Math.floor(Date.now() / 1000);
    const signature = createHmac("sha256", KEY).update(`${id}.${timestamp}.${body}`).digest("base64");
    const headers = { "svix-id": id, "svix-timestamp": `${timestamp}`, "svix-signature": `v1,${signature}` };
    const answer = await fetch(`${this.url}/webhooks/clerk`, { method: "POST", headers, body });
    return { id, outcome: (await answer.json()).outcome };
  }
}

// Where it listens and where its tables are, as it says itself.
async function said(child) {
  let url;
  for await (const line of createInterface(child.stdout)) {
    url ??= line.match(/listens on (\S+)/)?.[1];
    const databaseUrl = line.match(/^Database .*: (postgresql:\S+)/)?.[1];
    if (databaseUrl) {
      child.stdout.resume();
      return { url, databaseUrl };
    }
  }
  throw new Error("users-sync ended before it listened");
}
