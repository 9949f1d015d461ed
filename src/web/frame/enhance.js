// What pages can do more where scripts run: copy buttons, and keys. Without it everything works.
const live = document.getElementById("live");

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const isCopied = await copy(source);
    live.textContent = isCopied ? "Copied" : "Selected: press Ctrl+C to copy";
    button.dataset.done = isCopied ? "Copied" : "Selected";
    setTimeout(() => delete button.dataset.done, 2000);
  });
}

/** Without a secure context browsers lend no clipboard: the text is selected and copied as a person would. */
async function copy(source) {
  const text = source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }
}

if (document.documentElement.dataset.keys !== "off")
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    const act = KEYS[event.key];
    if (act?.()) event.preventDefault();
  });

const KEYS = {
  "/": () => focus(document.getElementById("search")),
  "?": () => {
    document.querySelector("a[rel=help]")?.click();
    return true;
  },
  j: () => step(1),
  k: () => step(-1),
};

function focus(element) {
  element?.focus();
  element?.select?.();
  return Boolean(element);
}

/** To the next or the last row of lists, by the first link in each. */
function step(by) {
  const links = [...document.querySelectorAll("main [data-list] > *")].flatMap((row) => {
    const link = row.querySelector("a[href]");
    return link ? [link] : [];
  });
  if (links.length === 0) return false;
  const at = links.findIndex((link) =>
    link.closest("[data-list] > *").contains(document.activeElement),
  );
  const next =
    at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
  return focus(links[next]);
}
