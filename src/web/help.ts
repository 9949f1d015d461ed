// `/-/help`: the same place on each page, for who does not know where to go on.
import type { Reply } from "../core/reply.ts";
import { html } from "./frame/html.ts";
import { page } from "./frame/page.ts";
import type { Reader } from "./frame/reader.ts";
import { chip, table } from "./frame/ui.ts";

export function helpPage(version: string, reader: Reader): Reply {
  const main = html`<h1>Help</h1>
<p>Holdfast ${version} keeps what your builds need: each file as it was first seen, for as long as you want it, whether or not the upstream is there.</p>
<h2>Where things are</h2>
<ul><li><a href="/">Home</a>: the line that each client needs, with this server's address.</li>
<li><a href="/-/packages">Packages</a>: what is stored, published and known here.</li>
<li><a href="/-/account">Account</a>: your tokens and your password.</li>
<li><a href="/-/api/openapi.json">API</a>: all that pages show, for machines. Each page about a package has its twin there.</li></ul>
<h2>What the words mean</h2>
${table(
  "Words",
  [{ label: "Word" }, { label: "What it says" }],
  [
    [chip("good", "allowed"), "No rule of policy keeps it from anybody."],
    [chip("warn", "held"), "A rule waits with it: until a day, or until somebody decides."],
    [chip("bad", "blocked"), "A rule refuses it. Its page says which rule, and who can lift it."],
    [chip("plain", "stored"), "Its bytes are here, verified, and served without any upstream."],
    [chip("plain", "known"), "A document of the upstream names it; nobody has fetched it yet."],
  ],
  { isList: false },
)}
<h2>Keys</h2>
<p>They work where scripts run, and not while you type. ${reader.hasKeys ? "They are on" : "They are off"}: the button at the foot of each page switches them.</p>
${table(
  "Keys",
  [{ label: "Key" }, { label: "What it does" }],
  [
    [html`<kbd>/</kbd>`, "to the search box"],
    [html`<kbd>j</kbd> <kbd>k</kbd>`, "to the next and the last row of a list; Enter opens it"],
    [html`<kbd>?</kbd>`, "to this page"],
  ],
  { isList: false },
)}`;
  return page({ title: "Help", main }, reader);
}
