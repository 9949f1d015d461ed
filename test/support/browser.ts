// What a browser does with our pages, without a browser: keeps cookies, sends forms with the headers that browsers send, follows nothing.
export interface Page {
  status: number;
  /** Where it is sent to, as it came. */
  location: string | null;
  text: string;
  headers: Headers;
}

export interface Browser {
  readonly cookies: Map<string, string>;
  open(path: string, headers?: Record<string, string>): Promise<Page>;
  /** As a form of our own page would, unless the headers say something else. */
  send(
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Page>;
}

const ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

export function openBrowser(url: string): Browser {
  const cookies = new Map<string, string>();
  async function ask(path: string, init: RequestInit): Promise<Page> {
    const response = await fetch(new URL(path, `${url}/`), {
      ...init,
      redirect: "manual",
      headers: {
        accept: ACCEPT,
        ...(cookies.size > 0 && {
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
        }),
        ...(init.headers as Record<string, string>),
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    const { status, headers } = response;
    return { status, headers, location: headers.get("location"), text: await response.text() };
  }
  return {
    cookies,
    open: (path, headers = {}) => ask(path, { headers }),
    send: (path, fields, headers = { origin: url, "sec-fetch-site": "same-origin" }) =>
      ask(path, { method: "POST", body: new URLSearchParams(fields), headers }),
  };
}
