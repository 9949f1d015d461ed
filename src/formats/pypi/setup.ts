// What each Python client needs to be told.
import type { Snippet } from "../../core/format.ts";

/** pip takes plain HTTP without a word only from these. https://pip.pypa.io/en/stable/cli/pip/#cmdoption-trusted-host */
function needsTrust(url: string): string | null {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== "http:") return null;
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(parsed.hostname);
  return isLocal ? null : parsed.host;
}

export function snippets(url: string): Snippet[] {
  const index = `${url.replace(/\/+$/, "")}/simple/`;
  const upload = `${url.replace(/\/+$/, "")}/legacy/`;
  const osv = `${url.replace(/\/+$/, "")}/-/osv`;
  const trusted = needsTrust(url);
  return [
    {
      client: "pip",
      file: "~/.config/pip/pip.conf",
      text: `[global]\nindex-url = ${index}\n${trusted === null ? "" : `trusted-host = ${trusted}\n`}`,
    },
    {
      client: "uv",
      file: "~/.config/uv/uv.toml",
      text: `[[index]]\nurl = "${index}"\ndefault = true\n`,
    },
    { client: "uv", file: "shell", text: `export UV_DEFAULT_INDEX=${index}\n` },
    {
      client: "poetry",
      file: "pyproject.toml",
      text: `[[tool.poetry.source]]\nname = "holdfast"\nurl = "${index}"\npriority = "primary"\n`,
    },
    {
      client: "pdm",
      file: "pyproject.toml",
      text: `[[tool.pdm.source]]\nname = "pypi"\nurl = "${index}"\nverify_ssl = true\n`,
    },
    {
      client: "twine",
      file: "~/.pypirc",
      text: `[distutils]\nindex-servers = holdfast\n\n[holdfast]\nrepository = ${upload}\nusername = __token__\n`,
    },
    {
      client: "pip-audit",
      file: "shell",
      text: `# Answered from feeds: (docs/policy.md).\npip-audit -s osv --osv-url ${osv}/v1/query\n`,
    },
    {
      client: "uv",
      file: "shell",
      text: `# With the slash at its end.\nuv audit --service-url ${osv}/\n`,
    },
  ];
}
