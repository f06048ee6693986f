// `users-sync schema --prisma` in the hands of Prisma.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import pg from "pg";
import { Service } from "../service.js";
import { Application, ours, populate, POSTS, schema } from "./application.js";
import { SchemaEngine } from "./schema-engine.js";

const MODELS = `
generator client {
  provider = "prisma-client"
  output   = "./generated"
}

datasource db {
  provider = "postgresql"
  schemas  = ["public", "neon_auth"]
}

model Post {
  id       Int       @id @default(autoincrement())
  title    String
  authorId String?   @map("author")
  author   UserSync? @relation(fields: [authorId], references: [id], onDelete: SetNull)

  @@map("posts")
  @@schema("public")
}
`;
const QUERIES = `
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient, type Post, type UserSync } from "./generated/client.js";

export async function withAuthors(url: string): Promise<(Post & { author: UserSync | null })[]> {
  const prisma = new PrismaClient({ adapter: new PrismaPg(url) });
  const found = await prisma.post.findMany({ orderBy: { id: "asc" }, include: { author: true } });
  await prisma.$disconnect();
  return found;
}

export async function wroteSomething(url: string): Promise<string[]> {
  const prisma = new PrismaClient({ adapter: new PrismaPg(url) });
  const found = await prisma.userSync.findMany({ where: { deletedAt: null, posts: { some: {} } } });
  await prisma.$disconnect();
  return found.map((user) => user.id);
}

export function initial(user: UserSync): string {
  // @ts-expect-error A user may have no name.
  return user.name[0] + user.id;
}
`;

let service, printed, models, external, initShadowDb, engine;

before(async () => {
  service = await Service.start();
  await populate(service);
  printed = await schema("--prisma");
  // As the comment on the model says.
  models = MODELS + printed.replace(/^(\s*rawJson .*)$/m, "$1\n  posts Post[]");
  const evaluated = new Function("defineConfig", documentedConfig().replace("export default", "return"));
  ({ tables: { external }, migrations: { initShadowDb } } = evaluated((config) => config));
  engine = await SchemaEngine.open(service.databaseUrl, models);
});

after(async () => {
  await engine?.close();
  await service?.stop();
});

beforeEach(() => service.database.query("drop table if exists posts"));

// The configuration that the comment of the printed file asks for.
function documentedConfig() {
  const lines = printed.split("\n").filter((line) => line.startsWith("//   "));
  return lines.map((line) => line.slice(2)).join("\n").trim();
}

async function application() {
  const config = `import { defineConfig } from "prisma/config";\n${documentedConfig()}`;
  const files = { "schema.prisma": models, "prisma.config.ts": config, "queries.ts": QUERIES };
  // The program that Prisma would download is not needed by what is called here.
  const variables = { CHECKPOINT_DISABLE: "1", PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  return Application.create("prisma", files, variables);
}

test("a push of Prisma makes the application's table with its foreign key and nothing of ours", async () => {
  const before = await ours(service.database);

  const steps = [await engine.push(external), await engine.push(external)];

  assert.ok(steps[0] > 0, "the table was made");
  assert.equal(steps[1], 0);
  const keys = `select confrelid::regclass::text as key from pg_constraint
    where conrelid = 'posts'::regclass and contype = 'f'`;
  assert.deepEqual((await service.database.query(keys)).rows, [{ key: "neon_auth.users_sync" }]);
  assert.deepEqual(await ours(service.database), before);
});

test("a migration of Prisma mentions our table as the target of the foreign key alone", async () => {
  const sql = await engine.firstMigration(external);

  const mentions = sql.split("\n").filter((line) => line.includes("neon_auth"));
  assert.equal(mentions.length, 1, sql);
  assert.match(mentions[0], /REFERENCES "neon_auth"\."users_sync"\("id"\) ON DELETE SET NULL/);
});

test("a migration of Prisma applies to a shadow database that was made as the comment says", async () => {
  const migration = await engine.firstMigration(external);
  await service.database.query("create database shadow");
  const url = new URL(service.databaseUrl.replace("@/", "@localhost/"));
  url.pathname = "shadow";
  const shadow = new pg.Client(url.href);
  await shadow.connect();

  try {
    await assert.rejects(shadow.query(migration), /schema "neon_auth" does not exist/);
    await shadow.query(initShadowDb);
    await shadow.query(migration);
  } finally {
    await shadow.end();
  }
});

test("the model is the table as Prisma sees it: undeclared, it would change nothing either", async () => {
  await engine.push(external);

  assert.equal(await engine.push([]), 0);
});

test("posts come with their authors, typed as they are", async () => {
  await engine.push(external);
  await service.database.query(POSTS);
  const app = await application();
  await app.run("prisma", "validate");
  await app.run("prisma", "generate");

  const { withAuthors, wroteSomething } = await app.compiled("queries.js");
  const found = await withAuthors(service.databaseUrl);

  const authors = found.map(({ title, author }) => [title, author?.name, author?.deletedAt instanceof Date]);
  assert.deepEqual(authors, [
    ["of a user", "Ada Lovelace", false],
    ["of no user", undefined, false],
    ["of a former user", "Maren Østergård", true],
  ]);
  assert.ok(found[0].author.createdAt instanceof Date);
  assert.equal(found[0].author.rawJson.first_name, "Ada");
  assert.deepEqual(await wroteSomething(service.databaseUrl), ["user_ada"]);
});
