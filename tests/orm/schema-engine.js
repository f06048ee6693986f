// Prisma's schema engine as the WebAssembly that npm has of it: `prisma migrate` and `prisma db push` call the same
// engine as a program, which they download from elsewhere.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";

const INTERNAL_CHAR = 18;

// The engine reads the catalogue, and the adapter knows no type "char", which only the catalogue has.
class Pool extends pg.Pool {
  async query(...query) {
    const answer = await super.query(...query);
    for (const field of answer.fields ?? []) {
      if (field.dataTypeID === INTERNAL_CHAR) field.dataTypeID = pg.types.builtins.BPCHAR;
    }
    return answer;
  }
}

// The engine never clears its time-outs of a minute: the end of the tests does not wait for them.
function patient() {
  const timer = Object.keys(bindings).find((name) => name.startsWith("__wbg_setTimeout"));
  return { ...bindings, [timer]: (...call) => bindings[timer](...call).unref() };
}

export class SchemaEngine {
  static async open(databaseUrl, schema) {
    const wasm = fileURLToPath(import.meta.resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
    const bytes = await readFile(wasm.replace(/\.js$/, ".wasm"));
    const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": patient() });
    bindings.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();

    const engine = new SchemaEngine();
    engine.files = [{ path: "schema.prisma", content: schema }];
    engine.pool = new Pool({ connectionString: databaseUrl });
    const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(engine.pool));
    engine.engine = await bindings.SchemaEngine.new({ datamodels: [["schema.prisma", schema]] }, () => {}, adapter);
    return engine;
  }

  // What `prisma db push` does with these external tables; answers how many steps that took.
  async push(externalTables) {
    const filters = { externalTables, externalEnums: [] };
    const done = await this.engine.schemaPush({ force: false, schema: { files: this.files }, filters });
    return done.executedSteps;
  }

  // The SQL of a first migration, as `prisma migrate dev` writes it.
  async firstMigration(externalTables) {
    const filters = { externalTables, externalEnums: [] };
    const to = { tag: "schemaDatamodel", files: this.files };
    const diff = { from: { tag: "empty" }, to, script: true, exitCode: null, filters };
    return (await this.engine.diff(diff)).stdout;
  }

  async close() {
    await this.pool.end();
  }
}
