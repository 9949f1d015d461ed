// Where each client keeps a token, for servers that nobody reads without a name (docs/access.md).
import type { AccessRules } from "../core/access.ts";

/** Whether some of what is served cannot be read without a name. */
export function needsName({ anonymous, isLocal }: AccessRules): boolean {
  if (anonymous === null) return !isLocal;
  return !anonymous.some(
    ({ repositories, packages }) => repositories === null && packages === null,
  );
}

/** A line, and the file that it goes into; null for a client that is not known. `url`: of the repository. */
export function credentialLine(client: string, url: string): [file: string, line: string] | null {
  const { host, pathname, protocol } = new URL(url);
  const path = pathname.replace(/\/$/, "");
  switch (client) {
    case "npm":
    case "pnpm":
    case "yarn":
    case "bun":
      return ["~/.npmrc", `//${host}${path}/:_authToken=hf_…`];
    case "yarn-berry":
      return ["~/.yarnrc.yml", `npmAuthToken: "hf_…"`];
    case "pip":
    case "uv":
    case "poetry":
    case "pdm":
      return ["~/.netrc", `machine ${host.replace(/:\d+$/, "")} login ci password hf_…`];
    case "go":
      return ["~/.netrc (over HTTPS alone)", `machine ${host} login ci password hf_…`];
    case "twine":
      return ["~/.pypirc", "username = __token__, password = hf_…"];
    case "composer":
      return ["shell", `composer config --global http-basic.${host} ci hf_…`];
    case "apt": {
      const scheme = protocol === "http:" ? "http://" : "";
      return [
        "/etc/apt/auth.conf.d/holdfast.conf",
        `machine ${scheme}${host}${path} login ci password hf_…`,
      ];
    }
    default:
      return null;
  }
}
