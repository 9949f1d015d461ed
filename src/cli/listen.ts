// Why an address cannot be listened on, for people.
import { type Address, formatAddress, socketPath } from "../config/values.ts";

const PORT_TROUBLES: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is taken. `holdfast doctor` looks by whom",
  EACCES: "permission denied. Ports below 1024 need a privilege",
  EADDRNOTAVAIL: "this machine has no such address",
};

const FOLDER = "its folder must be there, and this user must be able to write to it";
const SOCKET_TROUBLES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there, or another file stands there",
  EACCES: FOLDER,
  ENOENT: FOLDER,
  EROFS: FOLDER,
};

/** Null when it is not that. `address`: where the error does not say it. */
export function listenTrouble(error: unknown, address?: Address): string | null {
  const {
    code = "",
    path,
    listen = address,
  } = (error ?? {}) as Partial<{
    code: string;
    path: string;
    listen: Address;
  }>;
  const isSocket = listen !== undefined && socketPath(listen.host) !== null;
  const why = isSocket
    ? SOCKET_TROUBLES[code]
    : path === undefined
      ? PORT_TROUBLES[code]
      : undefined;
  return why && listen ? `cannot listen on ${formatAddress(listen)}: ${why}` : null;
}
