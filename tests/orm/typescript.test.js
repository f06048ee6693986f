// `users-sync schema --typescript` in the hands of tsc and node-postgres.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Service } from "../service.js";
import { Application, populate, schema } from "./application.js";

const QUERIES = `
import pg from "pg";
import type { UserSync } from "./rows.js";

export async function users(url: string): Promise<UserSync[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<UserSync>("select * from neon_auth.users_sync order by id");
  await client.end();
  return rows;
}

export function initial(user: UserSync): string {
  // @ts-expect-error A user may have no name.
  return user.name[0] + user.id;
}

// Every key of a row, and no other: tsc refuses one that is missing.
export const TYPES: Record<keyof UserSync, string> = {
  id: "string",
  name: "string",
  email: "string",
  created_at: "Date",
  updated_at: "Date",
  deleted_at: "Date",
  raw_json: "Object",
};
`;

let service;

before(async () => {
  service = await Service.start();
  await populate(service);
});

after(() => service?.stop());

test("rows are what the types say", async () => {
  const files = { "rows.ts": await schema("--typescript"), "queries.ts": QUERIES };
  const application = await Application.create("typescript", files);

  const { users, TYPES } = await application.compiled("queries.js");
  const rows = await users(service.databaseUrl);

  assert.equal(rows.length, 2);
  for (const row of rows) {
    assert.deepEqual(Object.keys(row).sort(), Object.keys(TYPES).sort());
    const present = Object.entries(row).filter(([, value]) => value !== null);
    for (const [column, value] of present) {
      const type = typeof value === "object" ? value.constructor.name : typeof value;
      assert.equal(type, TYPES[column], column);
    }
  }
  assert.ok(rows[1].deleted_at, "one of them was deleted");
});
