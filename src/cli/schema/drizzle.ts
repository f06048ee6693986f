// The tables that users-sync keeps, for drizzle-orm. Import it where you join; do not export it from the schema that
// drizzle-kit reads, and keep drizzle-kit away from what is not yours, in drizzle.config.ts:
//
//   export default defineConfig({ …, schemaFilter: ["public"] });
//
// `usersSync` of "drizzle-orm/neon" is the same table with times as strings.
import { jsonb, pgSchema, text, timestamp } from "drizzle-orm/pg-core";

const neonAuth = pgSchema("neon_auth");
const time = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

export const usersSync = neonAuth.table("users_sync", {
  id: text("id").primaryKey().notNull(),
  name: text("name"),
  email: text("email"),
  createdAt: time("created_at"),
  updatedAt: time("updated_at"),
  deletedAt: time("deleted_at"),
  rawJson: jsonb("raw_json").notNull(),
});

export type UserSync = typeof usersSync.$inferSelect;

{tables}

// Users that are neither deleted nor disabled, and organizations that are not deleted.
{views}

// Memberships that count, with everything that the member may do in the organization.
export const membershipsActive = neonAuth.view("memberships_active", {
  userId: text("user_id").notNull(),
  organizationId: text("organization_id").notNull(),
  role: text("role"),
  permissions: text("permissions").array().notNull(),
}).existing();

// A reference of yours: author: text("author").references(() => usersSync.id, { onDelete: "set null" })
