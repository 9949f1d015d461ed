// `/-/operator/trash`: releases that were unpublished, until when each can be restored, and by whom; and restoring one.
import type { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { humanSize } from "../../core/size.ts";
import { html, type Part } from "../frame/html.ts";
import { moment } from "../frame/text.ts";
import { empty, facts, table } from "../frame/ui.ts";
import { packagePath } from "../packages/paths.ts";
import { action, type Listed, operatorPage, since } from "./pieces.ts";
import { REPOSITORIES, repositoryTabs, TRASH } from "./repositories.ts";
import type { RepositoryShape } from "./shapes.ts";
import { address, formPage, pathOf, type Visit } from "./visit.ts";

interface TrashedShape {
  package: string;
  version: string;
  file: string;
  size: number;
  sha256: string;
  removedAt: string;
  removedBy: string;
  endsAt: string;
}

/** What was removed of one release. */
interface Gone {
  repository: string;
  package: string;
  version: string;
  files: TrashedShape[];
}

/** More of one repository are not shown: the API pages through all. */
const MOST = 1_000;

export const serveTrash = formPage(
  async (visit, wrong) => {
    const all = await readTrash(visit);
    const asked = visit.query.has("version") ? find(all, visit.query) : null;
    return asked ? question(asked, wrong, visit) : list(all, wrong, visit);
  },
  async (visit, form) => {
    const [repository, name, version] = ["repository", "package", "version"].map(
      (field) => form.get(field) ?? "",
    );
    const key = { repository: repository!, package: name!, version: version! };
    if (form.get("sure") !== "yes") return address(TRASH, key);
    const path = pathOf`/repositories/${repository!}/packages/${name!}/restore`;
    await visit.send("POST", path, { version });
    return address(TRASH, { restored: `${name} ${version}` });
  },
);

/** Of all repositories, those that were removed last first. */
async function readTrash(visit: Visit): Promise<Gone[]> {
  const { items } = await visit.get<Listed<RepositoryShape>>("/repositories", { limit: "1000" });
  const found = await Promise.all(
    items.map(async ({ name }) => {
      const path = `/repositories${pathOf`/${name}/trash`}`;
      const { items: files } = await visit.get<Listed<TrashedShape>>(path, { limit: `${MOST}` });
      const releases = Map.groupBy(files, (one) => `${one.package}\0${one.version}`);
      return [...releases.values()].map((of) => {
        const { package: packageName, version } = of[0]!;
        return { repository: name, package: packageName, version, files: of };
      });
    }),
  );
  const last = ({ files }: Gone) =>
    files
      .map(({ removedAt }) => removedAt)
      .sort()
      .at(-1)!;
  return found.flat().sort((a, b) => (last(a) < last(b) ? 1 : -1));
}

function find(all: readonly Gone[], query: URLSearchParams): Gone | null {
  const isAsked = (one: Gone) =>
    (["repository", "package", "version"] as const).every(
      (field) => one[field] === query.get(field),
    );
  return all.find(isAsked) ?? null;
}

function list(all: readonly Gone[], wrong: Problem | null, visit: Visit): Reply {
  const restored = visit.query.get("restored");
  return operatorPage(
    {
      title: "Trash",
      here: REPOSITORIES,
      wrong,
      done: restored === null ? null : `${restored} is back as it was.`,
      lead: "What was unpublished, as long as the configuration keeps it (hosted: trash). Its names are never free for other bytes.",
      main: html`${repositoryTabs(TRASH)}${releaseTable(all, visit)}`,
    },
    visit,
  );
}

function releaseTable(all: readonly Gone[], { now }: Visit): Part {
  if (all.length === 0) return empty("Nothing that was unpublished could be restored.");
  return table(
    "What can be restored",
    [
      { label: "Release" },
      { label: "Repository" },
      { label: "Files" },
      { label: "Size", kind: "number" },
      { label: "Removed" },
      { label: "Kept until", kind: "tight" },
      { label: "Restore it", isHidden: true },
    ],
    all.map((one) => {
      const { repository, package: name, version, files } = one;
      const [first] = files;
      return [
        html`<a href="${packagePath(repository, name)}">${name}</a> ${version}`,
        repository,
        fileNames(files),
        humanSize(bytesOf(files)),
        html`${since(first!.removedAt, now)} <span class="soft">by ${first!.removedBy}</span>`,
        moment(Date.parse(endOf(files))),
        action(TRASH, { repository, package: name, version }, "Restore", `${name} ${version}`),
      ];
    }),
  );
}

const fileNames = (files: readonly TrashedShape[]) =>
  files.map(({ file }, at) => html`${at > 0 ? ", " : null}<span class="mono">${file}</span>`);
const bytesOf = (files: readonly TrashedShape[]) => files.reduce((sum, { size }) => sum + size, 0);
/** After it not all of them could be had. */
const endOf = (files: readonly TrashedShape[]) => files.map(({ endsAt }) => endsAt).sort()[0]!;

function question(one: Gone, wrong: Problem | null, visit: Visit): Reply {
  const { repository, package: name, version, files } = one;
  const key = { repository, package: name, version };
  return operatorPage(
    {
      title: `Restore ${name} ${version}?`,
      here: REPOSITORIES,
      wrong,
      main: html`<p>Clients are shown it again from their next request on, with the bytes that it had.</p>${facts(
        [
          ["Repository", repository],
          ["Files", fileNames(files)],
          ["Size", humanSize(bytesOf(files))],
          ["Removed", html`${since(files[0]!.removedAt, visit.now)} by ${files[0]!.removedBy}`],
          ["Kept until", moment(Date.parse(endOf(files)))],
        ],
      )}<div class="inline">${action(TRASH, { ...key, sure: "yes" }, "Restore it")}<a class="button quiet" href="${TRASH}">Leave it as it is</a></div>`,
    },
    visit,
  );
}
