// `users-sync schema --typescript` in the hands of tsc and node-postgres.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Service } from "../service.js";
import { Application, columns, populate, populateOrganization, schema } from "./application.js";

const QUERIES = `
import pg from "pg";
import type { MembershipSync, UserSync } from "./rows.js";

export async function users(url: string): Promise<UserSync[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<UserSync>("select * from neon_auth.users_sync order by id");
  await client.end();
  return rows;
}

type Name<T> = NonNullable<T> extends Date ? "Date" : NonNullable<T> extends string ? "string" : "Object";

// tsc refuses whatever the type does not say.
export const TYPES: { [Column in keyof UserSync]: Name<UserSync[Column]> } = {
  id: "string",
  name: "string",
  email: "string",
  created_at: "Date",
  updated_at: "Date",
  deleted_at: "Date",
  raw_json: "Object",
};
export async function members(url: string): Promise<MembershipSync[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<MembershipSync>("select * from neon_auth.memberships_sync");
  await client.end();
  return rows;
}

export function first(member: MembershipSync): string {
  // @ts-expect-error A membership of which only the deletion is known has no permissions.
  return member.permissions[0] + member.id;
}

export const MEMBERSHIP: { [Column in keyof MembershipSync]: null extends MembershipSync[Column] ? true : false } = {
  id: false,
  user_id: true,
  organization_id: true,
  role: true,
  permissions: true,
  created_at: true,
  updated_at: true,
  deleted_at: true,
  raw_json: false,
};
export const NULLABLE: { [Column in keyof UserSync]: null extends UserSync[Column] ? true : false } = {
  id: false,
  name: true,
  email: true,
  created_at: true,
  updated_at: true,
  deleted_at: true,
  raw_json: false,
};
`;

let service;

before(async () => {
  service = await Service.start();
  await populate(service);
  await populateOrganization(service);
});

after(() => service?.stop());

test("rows are what the types say", async () => {
  const files = { "rows.ts": await schema("--typescript"), "queries.ts": QUERIES };
  const application = await Application.create("typescript", files);

  const { users, TYPES, NULLABLE } = await application.compiled("queries.js");
  const rows = await users(service.databaseUrl);

  assert.equal(rows.length, 2);
  for (const row of rows) {
    assert.deepEqual(Object.keys(row).sort(), Object.keys(TYPES).sort());
    for (const [column, value] of Object.entries(row).filter(([, value]) => value !== null)) {
      const type = typeof value === "object" ? value.constructor.name : typeof value;
      assert.equal(type, TYPES[column], column);
    }
  }
  assert.ok(rows[1].deleted_at, "one of them was deleted");
  const nullable = (await columns(service.database)).map((column) => [column.name, column.nullable]);
  assert.deepEqual(Object.fromEntries(nullable), NULLABLE);
});

test("memberships are what the types say", async () => {
  const files = { "rows.ts": await schema("--typescript"), "queries.ts": QUERIES };
  const application = await Application.create("typescript-members", files);

  const { members, MEMBERSHIP } = await application.compiled("queries.js");
  const [member] = await members(service.databaseUrl);

  assert.deepEqual([member.user_id, member.permissions], ["user_ada", ["org:billing:manage"]]);
  const nullable = (await columns(service.database, "memberships_sync")).map((column) => [column.name, column.nullable]);
  assert.deepEqual(Object.fromEntries(nullable), MEMBERSHIP);
});
