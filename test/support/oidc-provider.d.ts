// The npm package oidc-provider, which has no types of its own.
declare module "oidc-provider";
