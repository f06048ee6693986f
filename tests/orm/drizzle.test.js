// `users-sync schema --drizzle` in the hands of drizzle-orm and drizzle-kit.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { Service } from "../service.js";
import { Application, columns, ours, populate, populateOrganization, POSTS, schema } from "./application.js";

const TABLES = `
import { bigint, pgTable, text } from "drizzle-orm/pg-core";
import { usersSync } from "./users-sync.js";

export const posts = pgTable("posts", {
  id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  author: text("author").references(() => usersSync.id, { onDelete: "set null" }),
  title: text("title").notNull(),
});
`;
const CONFIG = `
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./tables.ts",
  out: "./migrations",
  schemaFilter: ["public"],
  dbCredentials: { url: process.env.DATABASE_URL! },
});
`;
const QUERIES = `
import { and, eq, isNull } from "drizzle-orm";
import { usersSync as builtIn } from "drizzle-orm/neon";
import { drizzle } from "drizzle-orm/node-postgres";
import { getTableConfig } from "drizzle-orm/pg-core";
import { posts } from "./tables.js";
import { membershipsSync, organizationsSync, usersSync, type MembershipSync, type UserSync } from "./users-sync.js";

const TABLES = { usersSync, organizationsSync, membershipsSync };

export function columns(table: keyof typeof TABLES = "usersSync") {
  const { columns } = getTableConfig(TABLES[table]);
  return columns.map((column) => ({ name: column.name, type: column.getSQLType(), nullable: !column.notNull }));
}

export async function withAuthors(url: string): Promise<{ title: string; author: UserSync | null }[]> {
  const db = drizzle(url);
  const isAuthor = and(eq(usersSync.id, posts.author), isNull(usersSync.deletedAt));
  const wanted = { title: posts.title, author: usersSync };
  const found = await db.select(wanted).from(posts).leftJoin(usersSync, isAuthor).orderBy(posts.id);
  await db.$client.end();
  return found;
}

export async function ids(url: string): Promise<string[]> {
  const db = drizzle(url);
  const found = await db.select().from(builtIn).where(isNull(builtIn.deletedAt));
  await db.$client.end();
  return found.map((user) => user.id);
}

export async function members(url: string): Promise<{ organization: string | null; member: MembershipSync }[]> {
  const db = drizzle(url);
  const wanted = { organization: organizationsSync.name, member: membershipsSync };
  const isIn = eq(organizationsSync.id, membershipsSync.organizationId);
  const found = await db.select(wanted).from(membershipsSync).innerJoin(organizationsSync, isIn);
  await db.$client.end();
  return found;
}

export function initial(user: UserSync): string {
  // @ts-expect-error A user may have no name.
  return user.name[0] + user.id;
}
`;

let service, application;

before(async () => {
  service = await Service.start();
  await populate(service);
  await populateOrganization(service);
});

after(() => service?.stop());

beforeEach(async () => {
  await service.database.query("drop table if exists posts; drop schema if exists drizzle cascade");
  const files = {
    "users-sync.ts": await schema("--drizzle"),
    "tables.ts": TABLES,
    "drizzle.config.ts": CONFIG,
    "queries.ts": QUERIES,
  };
  application = await Application.create("drizzle", files, { DATABASE_URL: service.databaseUrl });
});

test("a migration of drizzle-kit makes the application's table with its foreign key and nothing of ours", async () => {
  const before = await ours(service.database);
  await application.run("drizzle-kit", "generate");
  const migrations = join(application.directory, "migrations");
  const [file] = (await readdir(migrations)).filter((name) => name.endsWith(".sql"));
  const sql = await readFile(join(migrations, file), "utf8");

  await application.run("drizzle-kit", "migrate");

  assert.match(sql, /REFERENCES "neon_auth"\."users_sync"\("id"\) ON DELETE set null/);
  assert.doesNotMatch(sql, /CREATE SCHEMA|CREATE TABLE "neon_auth"/);
  assert.deepEqual(await ours(service.database), before);
});

test("a push of drizzle-kit leaves our schemas alone, the second time too", async () => {
  const before = await ours(service.database);

  const first = await application.run("drizzle-kit", "push", "--force");
  const second = await application.run("drizzle-kit", "push", "--force");

  assert.match(first, /Changes applied/);
  assert.match(second, /No changes detected/);
  assert.deepEqual(await ours(service.database), before);
});

test("the table has the columns that the database has", async () => {
  const queries = await application.compiled("queries.js");

  assert.deepEqual(queries.columns(), await columns(service.database));
  for (const [name, table] of [["organizationsSync", "organizations_sync"], ["membershipsSync", "memberships_sync"]]) {
    assert.deepEqual(queries.columns(name), await columns(service.database, table), table);
  }
});

test("posts come with their authors, typed as they are", async () => {
  await application.run("drizzle-kit", "push", "--force");
  await service.database.query(POSTS);

  const { withAuthors, ids } = await application.compiled("queries.js");
  const found = await withAuthors(service.databaseUrl);

  const authors = found.map(({ title, author }) => [title, author?.name]);
  assert.deepEqual(authors, [["of a user", "Ada Lovelace"], ["of nobody", undefined], ["of a former user", undefined]]);
  const { createdAt, updatedAt, deletedAt, rawJson } = found[0].author;
  assert.ok(createdAt instanceof Date && updatedAt instanceof Date);
  assert.deepEqual([deletedAt, rawJson.first_name], [null, "Ada"]);
  assert.deepEqual(await ids(service.databaseUrl), ["user_ada"]);
});

test("members come with their organization, typed as they are", async () => {
  const { members } = await application.compiled("queries.js");
  const [found] = await members(service.databaseUrl);

  assert.deepEqual([found.organization, found.member.userId], ["Acme", "user_ada"]);
  assert.deepEqual([found.member.role, found.member.permissions], ["org:admin", ["org:billing:manage"]]);
});
