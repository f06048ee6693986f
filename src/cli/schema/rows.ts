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

// Rows of the views neon_auth.users_active and neon_auth.organizations_active.
export type UserActive = UserSync & { deleted_at: null };
export type OrganizationActive = OrganizationSync & { deleted_at: null };

// Rows of the view neon_auth.memberships_active: memberships that count.
export interface MembershipActive {
  user_id: string;
  organization_id: string;
  /** The key of the role; null if there is none, or if it was deleted. */
  role: string | null;
  /** Everything that the member may do in this organization. */
  permissions: string[];
}
