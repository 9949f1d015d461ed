// Indices, pool files and images of the installer: a release, or a list that it names, has the digest of each. What no digest vouches for is not kept.

export const artifacts = { index: null, pool: null, image: null } as const;
