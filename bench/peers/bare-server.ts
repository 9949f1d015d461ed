// The least that Bun can do: bytes from memory, or a file by sendfile, with nothing looked up. Started by bare.ts: PORT FOLDER
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const [port, folder] = process.argv.slice(2);
const IN_MEMORY = 1_000_000;
const known = new Map<string, { body: Uint8Array<ArrayBuffer> | string; gzip: boolean }>();

function find(path: string) {
  const file = join(folder!, path.slice(1));
  const gzip = existsSync(`${file}.gz`);
  const at = gzip ? `${file}.gz` : file;
  if (!existsSync(at)) return null;
  const small = statSync(at).size <= IN_MEMORY;
  const found = { body: small ? new Uint8Array(readFileSync(at)) : at, gzip };
  known.set(path, found);
  return found;
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch(request) {
    const path = request.url.slice(request.url.indexOf("/", 8));
    const found = path === "/" ? null : (known.get(path) ?? find(path));
    if (!found) return new Response("nothing here\n", { status: 404 });
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (found.gzip) headers["content-encoding"] = "gzip";
    const { body } = found;
    return new Response(typeof body === "string" ? Bun.file(body) : body, { headers });
  },
});
