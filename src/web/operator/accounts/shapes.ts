// What the API gives of accounts, as far as pages show it: src/api says it in full.

export interface UserShape {
  name: string;
  email: string;
  fullName: string;
  createdAt: string;
  createdBy: string;
  disabledAt: string | null;
  isAdmin: boolean;
  hasPassword: boolean;
  teams: string[];
}

export interface TeamShape {
  name: string;
  members: string[];
  isStored: boolean;
  configured: string[];
}

export interface GrantShape {
  id: string | null;
  holder: string;
  actions: string[];
  repositories: string[] | null;
  packages: string[] | null;
  source: string;
}

export interface TokenShape {
  id: string;
  owner: string;
  name: string;
  prefix: string;
  scope: Record<"repositories" | "packages" | "actions", string[] | null>;
  cidrs: string[];
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}
