// Somebody's application beside the service: its files, what npm's programs make of them, and what must stay ours.
import { execFile } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { PROGRAM, ROOT, TARGET } from "../service.js";

const MODULES = join(ROOT, "tests", "node_modules");
const TSCONFIG = {
  compilerOptions: {
    module: "nodenext",
    noUncheckedIndexedAccess: true,
    outDir: "build",
    // Drizzle's declarations name the drivers of every database.
    skipLibCheck: true,
    strict: true,
    target: "es2023",
    types: ["node"],
  },
};

// A post of a user, one of nobody, and one of a user who has left.
export const POSTS = `insert into posts (author, title)
  values ('user_ada', 'of a user'), (null, 'of nobody'), ('user_gone', 'of a former user')`;

export class Application {
  // Its directory is made anew; `variables` are what its programs are given.
  static async create(name, files, variables = {}) {
    const application = new Application();
    application.directory = join(TARGET, "orm", name);
    application.variables = { PATH: process.env.PATH, HOME: application.directory, CI: "1", ...variables };
    await rm(application.directory, { recursive: true, force: true });
    await mkdir(application.directory, { recursive: true });
    await symlink(MODULES, join(application.directory, "node_modules"));
    const config = { "package.json": { type: "module" }, "tsconfig.json": TSCONFIG };
    for (const [file, content] of Object.entries({ ...config, ...files })) {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await writeFile(join(application.directory, file), text);
    }
    return application;
  }

  // What a program of npm's says; where it fails, the error has it too.
  async run(program, ...words) {
    const options = { cwd: this.directory, env: this.variables, timeout: 120_000 };
    try {
      return (await promisify(execFile)(join(MODULES, ".bin", program), words, options)).stdout;
    } catch (error) {
      throw new Error(`${program} ${words.join(" ")}: ${error.message}\n${error.stdout}`, { cause: error });
    }
  }

  // A module of it, type-checked and compiled.
  async compiled(module) {
    await this.run("tsc");
    return import(pathToFileURL(join(this.directory, "build", module)));
  }
}

export async function schema(form) {
  return (await promisify(execFile)(PROGRAM, ["schema", form])).stdout;
}

// A user who is there, and one who was.
export async function populate(service) {
  await service.receive({ id: "user_ada", first_name: "Ada", last_name: "Lovelace" });
  await service.receive({ id: "user_gone" });
  await service.post(JSON.stringify({ type: "user.deleted", data: { id: "user_gone", deleted: true } }));
}

// A member of an organization.
export async function populateOrganization(service) {
  const now = Date.now();
  const times = { created_at: now, updated_at: now };
  const organization = { id: "org_acme", name: "Acme", slug: "acme", ...times };
  const member = {
    id: "mem_ada", role: "org:admin", permissions: ["org:billing:manage"], organization,
    public_user_data: { user_id: "user_ada" }, ...times,
  };
  await service.post(JSON.stringify({ type: "organization.created", data: organization }));
  await service.post(JSON.stringify({ type: "organizationMembership.created", data: member }));
}

// The columns of a table of ours, as the database has them.
export async function columns(database, table = "users_sync") {
  const { rows } = await database.query(`
    select attname as name, format_type(atttypid, atttypmod) as type, not attnotnull as nullable
    from pg_attribute
    where attrelid = to_regclass('neon_auth.' || $1) and attnum > 0 and not attisdropped
    order by attnum`, [table]);
  return rows;
}

// All that an ORM could have changed of the schemas that are not its own.
export async function ours(database) {
  const { rows } = await database.query(`
    with relations as ( -- indexes too
      select c.oid, c.oid::regclass::text as name, relkind, relacl::text
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where nspname in ('neon_auth', 'users_sync')
    )
    select name, relkind, relacl,
      (select json_agg(json_build_array(attname, format_type(atttypid, atttypmod), attnotnull) order by attnum)
       from pg_attribute where attrelid = r.oid and not attisdropped) as columns,
      (select json_agg(pg_get_constraintdef(c.oid) order by conname)
       from pg_constraint c where conrelid = r.oid) as constraints,
      (select json_agg(u order by id) from neon_auth.users_sync u where r.name = 'neon_auth.users_sync') as users
    from relations r order by name`);
  return rows;
}
