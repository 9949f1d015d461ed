// One repository at a well-known host of git can be written in many ways, and npm writes some of them anew when it publishes.

const PROJECT = "([^/#@:\\s]+/[^/#\\s]+?)(?:\\.git)?/?(#\\S*)?$";
const SHORT = new RegExp(`^(?:(github|gitlab|bitbucket):)?${PROJECT}`);
const URL_LIKE = new RegExp(
  `^(?:(?:git\\+)?(?:https?|ssh|git)://)?(?:[^@/\\s]*@)?(?:www\\.)?(github|gitlab|bitbucket)\\.(?:com|org)[/:]${PROJECT}`,
);

/** The same text for all that name one repository and one place in it: `a/b`, `github:a/b`, its addresses by HTTPS and SSH. Other texts are left as they are. */
export function oneGitSpec(spec: unknown): unknown {
  if (typeof spec !== "string" || /^[./~]/.test(spec)) return spec;
  const match = URL_LIKE.exec(spec) ?? SHORT.exec(spec);
  if (!match) return spec;
  const [, host = "github", project = "", place = ""] = match;
  return `${host}:${project}${place}`;
}
