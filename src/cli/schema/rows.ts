// Rows of neon_auth.users_sync, as node-postgres returns them.
export interface UserSync {
  /** The provider's user id. */
  id: string;
  name: string | null;
  /** Primary address. Not unique. */
  email: string | null;
  created_at: Date | null;
  updated_at: Date | null;
  /** When the provider deleted the user; null while it exists. */
  deleted_at: Date | null;
  /** The provider's user object, whole. */
  raw_json: Record<string, unknown>;
}

{interfaces}
