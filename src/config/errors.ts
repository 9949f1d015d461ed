// A configuration that cannot be used: every mistake at once, each with its place.

export type Path = readonly (string | number)[];

export interface ConfigMistake {
  /** The file as it was named, or the flag or variable that the value came from. */
  file: string;
  /** From 1; 0 when the value does not come from a file. */
  line: number;
  /** From 1; 0 when the value does not come from a file. */
  column: number;
  /** repositories.npm.upstreams[0].url */
  path: string;
  message: string;
}

/** Its message is made for a terminal: a line for each mistake, in columns. */
export class ConfigError extends Error {
  readonly errors: readonly ConfigMistake[];
  constructor(errors: readonly ConfigMistake[]) {
    super(renderMistakes(errors));
    this.name = "ConfigError";
    this.errors = errors;
  }
}

export function formatPath(path: Path): string {
  return path
    .map((part, at) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[A-Za-z0-9_-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return at ? `.${part}` : part;
    })
    .join("");
}

function renderMistakes(errors: readonly ConfigMistake[]): string {
  const places = errors.map(({ file, line, column }) =>
    line ? `${file}:${line}:${column}` : file,
  );
  const width = (texts: string[]) => Math.max(0, ...texts.map((text) => text.length));
  const [placeWidth, pathWidth] = [width(places), width(errors.map(({ path }) => path))];
  return errors
    .map(({ path, message }, at) => {
      const place = places[at]!.padEnd(placeWidth);
      return `${place}  ${pathWidth ? `${path.padEnd(pathWidth)}  ` : ""}${message}`;
    })
    .join("\n");
}
