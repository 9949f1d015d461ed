// Code hosts as they are met: over ssh (a real sshd) and https (git's own program for it), with the right credentials, without, and with a host that is another one.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GitServer, serveGit } from "../../src/git/testkit.ts";
import { makeCertificate } from "../support/certificates.ts";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { codeHost, goCommand, HOST, mod } from "./go-code.ts";

const TOKEN = "glpat-a-token-of-some-length";

withPrograms(["go", "sshd"], () => {
  const folder = tempFolder("git-hosts");
  const host = codeHost(join(folder, "host"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let sshd: Sshd;
  let https: GitServer;
  let authority = "";
  let stranger = "";

  beforeAll(async () => {
    const code = host.make("lib");
    code.commit({ "go.mod": mod("lib.git"), "a.go": "package lib\n" });
    code.tag("v1.0.0");
    upstream = await startUpstream();
    sshd = await startSshd();
    const made = makeCertificate(["127.0.0.1"], 90);
    authority = file("ca.pem", made.authority);
    stranger = file("other-ca.pem", makeCertificate(["127.0.0.1"], 90).authority);
    https = serveGit(host.folder, made.pair, `oauth2:${TOKEN}`);
  }, 60_000);
  afterAll(async () => {
    await https.stop();
    await sshd.stop();
    await upstream.stop();
    removeTemp(folder);
  });

  /** What the go command gets of a module whose code is had so, twice: also when the host is asked again. */
  async function got(source: Record<string, unknown>): Promise<{ sum: string; error: string }> {
    const server = await startProcess({
      config: configText(upstream, { sources: { go: [source] } }),
    });
    try {
      const home = tempFolder("git-hosts-go");
      const go = goCommand(commandOf("go"), home, { GOPROXY: `${server.url}/go` });
      const found = await go.download(`${HOST}/lib.git@v1.0.0`);
      const text = await (await fetch(`${server.url}/go/${HOST}/lib.git/@v/list`)).text();
      removeTemp(home);
      const [sum, error] = [found.Sum ?? "", found.Error ?? ""];
      expect(`${error}${text}${server.output()}`).not.toContain(TOKEN);
      return { sum, error: `${error}\n${text}` };
    } finally {
      await server.stop();
    }
  }

  const names = `${HOST}/*.git`;
  const ssh = (more: object = {}) => ({
    names,
    git: `${sshd.url}${host.folder}/{1}`,
    sshKeyFile: sshd.key,
    hostKeyFile: sshd.hostKey,
    ...more,
  });
  const secure = (token: string, more: object = {}) => ({
    names,
    git: `${https.url}/{1}/.git`,
    tokenFile: file("token", token),
    ca: authority,
    ...more,
  });

  test("over ssh: a module with the key, and the same one over https with the token", async () => {
    const overSsh = await got(ssh());
    expect(overSsh).toEqual({ sum: expect.stringMatching(/^h1:/), error: "\nv1.0.0\n" });
    expect(sshd.log()).toContain("Accepted publickey");
    expect(await got(secure(TOKEN))).toEqual(overSsh);
  }, 60_000);

  test("a host that shows another key is given nothing, and it is said so", async () => {
    const before = sshd.log().length;
    const { sum, error } = await got(ssh({ hostKeyFile: sshd.otherHostKey }));
    expect(sum).toBe("");
    expect(error).toContain("shows another host key than those of hostKeyFile");
    expect(error).toContain("127.0.0.1");
    expect(sshd.log().slice(before)).not.toContain("Accepted");
  }, 60_000);

  test("a key that the host does not know is told of as such", async () => {
    const { sum, error } = await got(ssh({ sshKeyFile: sshd.otherKey }));
    expect(sum).toBe("");
    expect(error).toMatch(/The code host refuses .*Permission denied \(publickey\)/);
  }, 60_000);

  test("https: another authority, another token, and a host that is no more are each told of as what they are", async () => {
    const before = https.seen.length;
    const authorityRefused = await got(secure(TOKEN, { ca: stranger }));
    expect(authorityRefused.error).toMatch(/certificate/i);
    expect(https.seen.length).toBe(before); // nobody heard the token
    const tokenRefused = await got(secure("glpat-another-token-than-that"));
    expect(tokenRefused.error).toContain("The code host refuses");
    const gone = await got({ ...secure(TOKEN), git: "https://127.0.0.1:1/{1}" });
    expect(gone.error).toContain("The code host cannot be asked");
    for (const { sum } of [authorityRefused, tokenRefused, gone]) expect(sum).toBe("");
  }, 60_000);
});
