// Who may do what.

/** What the caller must be allowed to do. `package` is null for what belongs to no package (ping, search). */
export interface Access {
  action: "read" | "write" | "admin";
  package: string | null;
}
