// `/-/readiness`: whether a project could be built with the net unplugged: what its lock file asks for, and what of that is here.
import { LOCK_BYTES } from "../../core/lock.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { html, type Part, raw } from "../frame/html.ts";
import { number } from "../frame/text.ts";
import { chip, empty, figures, notice, type Tone, table } from "../frame/ui.ts";
import { hidden, redirect } from "../people/forms.ts";
import { type Listed, operatorPage } from "./pieces.ts";
import type { RepositoryShape, RunShape } from "./shapes.ts";
import { address, pathOf, type Serve, type Visit } from "./visit.ts";
import { DECIDE } from "./withheld.ts";

const HERE = "/-/readiness";
/** Beside the file itself. */
const FORM_BYTES = 64 * 1024;
/** Of each state; the others are counted. */
const SHOWN = 500;

interface Report {
  lock: string;
  counts: Record<State, number>;
  releases: {
    package: string;
    version: string;
    purl: string;
    files: string[];
    sha256: string[];
    state: State;
    stored: number;
    why: string | null;
  }[];
  elsewhere: { name: string; why: string }[];
}
type State = "present" | "missing" | "held" | "blocked";

export const serveReadiness: Serve = async (visit) => {
  const { items } = await visit.get<Listed<RepositoryShape>>("/repositories");
  const repositories = items.filter(({ lock }) => lock !== null);
  if (visit.request.method !== "POST") return show(visit, repositories, null);
  const form = await visit.upload(LOCK_BYTES + FORM_BYTES);
  const name = textOf(form.get("repository"));
  try {
    if (form.get("do") === "fetch") {
      const path = `/repositories${pathOf`/${name}`}/readiness/fetch`;
      const body = { releases: parsed(textOf(form.get("releases"))) };
      const { id } = await visit.send<RunShape>("POST", path, body);
      return redirect(`/-/operator/operations/${id}`);
    }
    const file = form.get("file");
    const uploaded = file instanceof Blob ? await file.text() : textOf(file);
    const text = uploaded || textOf(form.get("text"));
    if (text.trim() === "") throw new Problem("badRequest", "Choose a lock file, or paste one");
    const path = `/repositories${pathOf`/${name}`}/readiness`;
    const report = await visit.send<Report>("POST", path, { text });
    return show(visit, repositories, { name, report });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ...show(visit, repositories, null, { name, error }), status: error.status };
  }
};

function show(
  visit: Visit,
  repositories: readonly RepositoryShape[],
  found: { name: string; report: Report } | null,
  wrong: { name: string; error: Problem } | null = null,
): Reply {
  return operatorPage(
    {
      title: "Offline readiness",
      here: HERE,
      wrong: wrong?.error ?? null,
      lead: "Could this project be built with the net unplugged? Give its lock file, and see which releases are here, and which are not.",
      main: html`${found ? reported(found.name, found.report, visit) : null}${found ? html`<h2>Another one</h2>` : null}${form(repositories, found?.name ?? wrong?.name ?? "")}`,
    },
    visit,
  );
}

function form(repositories: readonly RepositoryShape[], chosen: string): Part {
  if (repositories.length === 0)
    return empty("No repository that you may read is of a format with lock files.");
  const options = repositories.map(
    ({ name, lock }) =>
      html`<option value="${name}"${name === chosen ? raw(" selected") : null}>${name}: ${lock}</option>`,
  );
  return html`<form class="narrow" method="post" action="${HERE}" enctype="multipart/form-data">${hidden("do", "check")}
<label><span>Repository</span><span class="soft">That the project's client uses</span><select name="repository">${options}</select></label>
<label><span>Lock file</span><input name="file" type="file"></label>
<label><span>Or its text</span><textarea name="text" rows="4" spellcheck="false"></textarea></label>
<button>Look</button></form>`;
}

const TONES: Readonly<Record<State, Tone>> = {
  present: "good",
  missing: "warn",
  held: "warn",
  blocked: "bad",
};

function reported(name: string, { lock, counts, releases, elsewhere }: Report, visit: Visit): Part {
  const lacking = releases.length - counts.present;
  const missing = releases.filter(({ state }) => state === "missing");
  const verdict =
    releases.length === 0
      ? notice("warn", html`<p>This ${lock} names no release of a registry.</p>`)
      : lacking === 0
        ? notice(
            "good",
            html`<p><strong>Ready.</strong> All ${number(releases.length)} releases that this ${lock} names are here.</p>`,
          )
        : notice(
            "warn",
            html`<p><strong>Not ready.</strong> ${number(lacking)} of ${number(releases.length)} releases that this ${lock} names could not be had with the net unplugged.</p>`,
          );
  const order: State[] = ["blocked", "held", "missing", "present"];
  return html`${verdict}${figures([
    { name: "Present", value: number(counts.present) },
    { name: "Missing", value: number(counts.missing) },
    { name: "Held", value: number(counts.held) },
    { name: "Blocked", value: number(counts.blocked) },
  ])}${missing.length > 0 && visit.request.reader.isOperator ? fetching(name, missing) : null}
${order.map((state) => group(name, state, releases, visit))}
${elsewhere.length > 0 ? html`<h2>Not looked for</h2><ul>${elsewhere.slice(0, SHOWN).map((one) => html`<li>${one.name}: ${one.why}</li>`)}</ul>` : null}`;
}

function group(name: string, state: State, all: Report["releases"], { request }: Visit): Part {
  const some = all.filter((one) => one.state === state);
  if (some.length === 0) return null;
  const title = `${state[0]!.toUpperCase()}${state.slice(1)}`;
  const list = table(
    `Releases that are ${state}`,
    [{ label: "Release" }, { label: "State", kind: "tight" }, { label: "Why" }],
    some
      .slice(0, SHOWN)
      .map((one) => [
        request.reader.isOperator && state !== "present"
          ? html`<a href="${address(DECIDE, { release: `${name} ${one.purl}` })}">${one.package}</a> ${one.version}`
          : `${one.package} ${one.version}`,
        chip(TONES[state], state),
        one.why ??
          (state === "missing" && one.stored > 0
            ? `${one.stored} of ${one.files.length} files are stored`
            : ""),
      ]),
  );
  const more =
    some.length > SHOWN
      ? html`<p class="soft">and ${number(some.length - SHOWN)} more; the API and <code>holdfast ready</code> list all of them</p>`
      : null;
  if (state === "present")
    return html`<details class="apart"><summary>${title} (${number(some.length)})</summary><div class="inner">${list}${more}</div></details>`;
  return html`<h2>${title} (${number(some.length)})</h2>${list}${more}`;
}

/** What is held or blocked is not fetched: it has to be decided on first. */
function fetching(name: string, missing: Report["releases"]): Part {
  const wanted = missing.map(({ package: of, version, files, sha256 }) => ({
    package: of,
    version,
    files,
    sha256,
  }));
  return html`<form class="apart" method="post" action="${HERE}" enctype="multipart/form-data">${hidden("do", "fetch")}${hidden("repository", name)}${hidden("releases", JSON.stringify(wanted))}<button>Fetch the ${number(missing.length)} that are missing</button></form>`;
}

function textOf(value: FormDataEntryValue | null): string {
  return typeof value === "string" ? value : "";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("badRequest", "What is to be fetched cannot be read");
  }
}
