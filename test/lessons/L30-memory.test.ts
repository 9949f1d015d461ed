// L30: nothing reads a whole artifact into memory. Where bytes are gathered at all, it is named here, with what bounds them.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Glob } from "bun";

const GATHERS =
  /\.(?:arrayBuffer|bytes|blob)\(\)|import \{[^}]*\breadFile(?:Sync)?\b[^}]*\} from "node:fs|\.readFile\(|\bblobs\.read\(|\bBuffer\.concat\(|\bArray\.fromAsync\(|\breadableStreamTo[A-Z]|\bcreateReadStream\([^)]*\)\.toArray/;

const bounded: Record<string, string> = {
  "src/advisories/bucket.ts": "one record of a feed, up to 8 MiB, and lists of up to 128 MiB",
  "src/archive/multipart.ts": "the headers of a part",
  "src/archive/tar.ts": "headers, and names of up to 64 KiB",
  "src/archive/whole.ts": "indices of old compressions, up to 256 MiB",
  "src/archive/tar-writer.ts": "made-up archives of some hundred bytes",
  "src/archive/xz-writer.ts": "a block of an index, and the file of them",
  "src/archive/zip-writer.ts": "headers, and the first MiB of an entry",
  "src/archive/zstd-frames.ts": "the header of a frame",
  "src/cache/ask.ts": "answers that are no documents, limited by the question",
  "src/cache/stored-reply.ts": "files of up to 64 KiB, which wait whole for their proof",
  "src/auth/one-time.ts": "a token or a link",
  "src/cache/collect.ts": "the first 64 KiB of a download, before it goes to disk",
  "src/cache/partial.ts": "a part of up to 4 MiB, for one client",
  "src/cache/documents/intake.ts":
    "documents, never artifacts, up to the size that is parsed inline",
  "src/cache/documents/show.ts": "views to compose from",
  "src/cache/documents/views.ts": "views of documents of up to the size that is rendered inline",
  "src/cli/accounts.ts": "a file of users that an operator names",
  "src/cli/check-store.ts": "the list of one small object",
  "src/cli/checks.ts": "an answer to `doctor`, as far as it is looked at",
  "src/cli/ledger-compare.ts": "a checkpoint or a tile, in a command of its own",
  "src/cli/ledger-receipts.ts": "a receipt, and the key that verifies it",
  "src/cli/owner.ts": "the users of this machine",
  "src/cli/policy.ts": "rows that a person asked for, which are printed",
  "src/cli/verdaccio-storage.ts":
    "one tarball of a storage folder at a time, in a command of its own",
  "src/cli/ready.ts": "a lock file, 32 MB at most",
  "src/cli/setup.ts": "a client's configuration file",
  "src/config/load.ts": "the configuration file",
  "src/config/tls.ts": "a certificate and its key",
  "src/config/resolve.ts": "secrets and certificates that the configuration names",
  "src/formats/apt/clear-signed.ts": "releases of up to 32 MiB, which are documents",
  "src/formats/apt/detached.ts": "the same",
  "src/formats/apt/armour.ts": "keyrings that the configuration names",
  "src/formats/apt/hosted/compose.ts": "the indices of a suite, as they are made",
  "src/formats/apt/hosted/deb.ts": "the paragraph in a package, up to 1 MiB",
  "src/formats/apt/hosted/signing.ts": "keys",
  "src/formats/apt/sums.ts": "lists of digests, which are indices with a limit",
  "src/core/json-cursor.ts": "one value of a document, up to 64 MiB",
  "src/formats/composer/canary.ts": "a made-up archive of some hundred bytes",
  "src/formats/composer/inside.ts": "a composer.json, and where links lead, up to a limit for each",
  "src/formats/composer/labels.ts": "a document, in a worker",
  "src/formats/go/canary.ts": "the same",
  "src/formats/go/labels.ts": "an .info document, in a worker",
  "src/formats/go/publish.ts": "a go.mod, up to 16 MiB",
  "src/git/mirror.ts": "the list of what a code host has, as it was seen last",
  "src/git/packed.ts": "a line for each ref of a mirror, of which there is a bound",
  "src/git/sandbox.ts": "what git says, up to a bound of each call",
  "src/formats/npm/signing.ts": "a key",
  "src/formats/npm/tarball-inside.ts": "a package.json and a readme, up to a limit for each",
  "src/formats/pypi/attestations.ts": "what comes with an upload, up to a limit of its own",
  "src/formats/pypi/form.ts": "fields of an upload's form, up to a limit for each",
  "src/formats/pypi/inside.ts": "the metadata in an archive, up to 16 MiB",
  "src/formats/pypi/metadata.ts": "the metadata in a wheel, up to 16 MiB",
  "src/ledger/log/audit.ts": "a digest, of which four bytes are looked at",
  "src/ledger/log/replay.ts": "256 hashes of the log",
  "src/ledger/log/tree.ts": "256 hashes of the log",
  "src/proof/cosignature.ts": "a signature and a key",
  "src/proof/signer.ts": "a signature and a key",
  "src/proof/tlog-tiles.ts": "256 entries of the log, each up to 64 KiB",
  "src/http/bodies.ts": "request bodies, limited by the route and by one memory for all of them",
  "src/inside/archive.ts": "a few texts of an archive, a MiB of each",
  "src/server/canary/world.ts": "answers about made-up packages",
  "src/http/socket-file.ts": "the socket files that this machine's processes listen on",
  "src/store/backup-bucket.ts": "the note of a backup, and digests of files, 32 bytes of each",
  "src/store/backup-folder.ts": "the same",
  "src/store/backup-generations.ts": "digests of files, 32 bytes of each",
  "src/store/backup-note.ts": "the note of a backup",
  "src/store/bucket-ask.ts": "answers that are no objects, up to 4 MiB",
  "src/store/bucket-keys.ts": "keys and tokens, and answers about them of up to 64 KiB",
  "src/store/bucket.ts":
    "small objects, up to what their reader bounds, and the list of the parts of one",
  "src/store/copy-bucket.ts": "a part of an upload, 8 MiB",
  "src/store/catalog-mark.ts": "a line that says which database the files belong to",
  "src/store/moves.ts": "a line that says whether what is there was moved",
  "src/store/blobs.ts": "offers it to those above",
  "src/store/folder.ts": "what its callers bound by the size that it tells",
  "src/store/holder.ts": "the number of a process",
  "src/store/postgres-login.ts": "a password, from the file that the configuration names",
  "src/store/log-files.ts": "a tile of the log, or 256 entries of it",
  "src/store/restore.ts": "the digest that a restore is marked with",
  "src/store/shipped.ts": "a file of this program",
  "src/store/sink.ts": "the beginning of a view and pieces of 256 KiB, before they go to disk",
  "src/store/source.ts": "documents, limited to 64 MiB",
  "src/store/tenure-file.ts": "a number and eight bytes",
  "src/store/view-files.ts": "views of up to 1 MiB",
  "src/upstream/issuer.ts": "answers of an issuer, up to 1 MiB",
  "src/upstream/poster.ts": "answers of a witness, up to 64 KiB",
  "src/upstream/connect.ts": "the header of a proxy's answer",
};

const product = [...new Glob("src/**/*.ts").scanSync(".")].filter(
  (file) => !/\.test\.ts$|\/test[a-z]*\.ts$|\/testdata\//.test(file),
);

function gathers(file: string): boolean {
  const code = readFileSync(file, "utf8")
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/(^|\s)\/\/.*$/gm, "");
  return GATHERS.test(code);
}

test("bytes are gathered only where the table says, and the table says nothing else", () => {
  expect(product.filter(gathers).sort()).toEqual(Object.keys(bounded).sort());
});

test("the two ways to the whole of a stored artifact are bounded beside it", () => {
  const artifacts = readFileSync("src/cache/stored-reply.ts", "utf8");
  expect(artifacts).toMatch(/size <= HOLD \? readSmall\(sha256\) : openLarge\(sha256, size\);/);
  const collect = readFileSync("src/cache/collect.ts", "utf8");
  expect(collect).toMatch(/if \(size <= HOLD\) continue;/);
});
