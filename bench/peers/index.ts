// Everyone who is measured.
import { aptCacherNg } from "./apt-cacher-ng.ts";
import { athens } from "./athens.ts";
import { devpi } from "./devpi.ts";
import { goproxy } from "./goproxy.ts";
import { holdfast } from "./holdfast.ts";
import { nginxCache } from "./nginx.ts";
import { nora } from "./nora.ts";
import { proxpi } from "./proxpi.ts";
import type { Peer } from "./types.ts";
import { verdaccio } from "./verdaccio.ts";

export const peers: Peer[] = [
  holdfast,
  verdaccio,
  nora,
  devpi,
  proxpi,
  athens,
  goproxy,
  aptCacherNg,
  nginxCache,
];
