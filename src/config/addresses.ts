// One address, one listener: which of the addresses of a configuration keep each other from their port.
import type { Config } from "./resolve.ts";
import { type Address, formatAddress, socketPath } from "./values.ts";

/** The repositories whose own address is taken already, each with a sentence. */
export function checkAddresses({
  listen: own,
  repositories,
}: Pick<Config, "listen"> & {
  repositories: readonly Pick<Config["repositories"][number], "name" | "listen">[];
}): { name: string; message: string }[] {
  const taken: { address: Address; by: string }[] = [{ address: own, by: "the server itself" }];
  const clashes: { name: string; message: string }[] = [];
  for (const { name, listen } of repositories) {
    if (!listen) continue;
    const other = taken.find(({ address }) => clash(address, listen));
    if (other) clashes.push({ name, message: sentence(listen, other.address, other.by) });
    else taken.push({ address: listen, by: `repository ${name}` });
  }
  return clashes;
}

function sentence(wanted: Address, taken: Address, by: string): string {
  const [mine, other] = [formatAddress(wanted), formatAddress(taken)];
  return mine === other
    ? `${mine} is already used by ${by}`
    : `${mine} is the same port as ${other}, which is already used by ${by}`;
}

/** Whether both cannot be listened on at once. Port 0 is any free port. Names other than localhost are not looked up. */
export function clash(a: Address, b: Address): boolean {
  if (socketPath(a.host) !== null) return a.host === b.host;
  if (a.port !== b.port || a.port === 0) return false;
  const [one, other] = [plainHost(a.host), plainHost(b.host)];
  if (one === other) return true;
  return covers(one, other) || covers(other, one);
}

/** `::` takes the port of all addresses, of IPv4 too; `0.0.0.0` that of all IPv4 addresses. */
function covers(host: string, other: string): boolean {
  if (host === "::") return true;
  if (host === "localhost") return /^127\.|^::1$/.test(other);
  return host === "0.0.0.0" && (/^[\d.]+$/.test(other) || other === "localhost");
}

/** One spelling of an IPv6 address. https://www.rfc-editor.org/rfc/rfc5952 */
function plainHost(host: string): string {
  if (!host.includes(":")) return host.toLowerCase();
  return URL.parse(`http://[${host}]`)?.hostname.slice(1, -1) ?? host;
}
