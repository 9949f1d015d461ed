// The OpenAPI document, made from the schemas that check. https://spec.openapis.org/oas/v3.1.1
import { z } from "zod";
import type { Endpoint } from "./endpoint.ts";
import { ProblemBody } from "./problem.ts";

type Json = Record<string, unknown>;

export function openApi(endpoints: readonly Endpoint[], version: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const one of endpoints) {
    const operation = { [one.method.toLowerCase()]: operationOf(one, schemas) };
    paths[one.path] = { ...paths[one.path], ...operation };
  }
  schemaOf(ProblemBody, "output", schemas);
  return {
    openapi: "3.1.1",
    info: {
      title: "Holdfast",
      version,
      description:
        "Everything that the commands do. A token (Bearer, or as the password of Basic) says who asks; what is needed stands at each operation.",
    },
    servers: [{ url: "/-/api/v1" }],
    security: [{ bearer: [] }, { basic: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        basic: { type: "http", scheme: "basic" },
      },
    },
  };
}

function operationOf(one: Endpoint, schemas: Json): Json {
  const names = [...one.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const needed = one.access(Object.fromEntries(names.map((name) => [name, `{${name}}`])));
  const where = [needed.package, needed.repository].filter(Boolean).join(" of ");
  const needs =
    needed.action === "open"
      ? "For everybody."
      : `Needs ${needed.action}${where ? ` on ${where}` : " on the server"}.`;
  return {
    operationId: idOf(one),
    summary: one.summary,
    description: one.command ? `${needs} As \`holdfast ${one.command}\`.` : needs,
    tags: [one.tag],
    parameters: [
      ...names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
      ...queryOf(one),
      ...(one.makes ? [RETRY] : []),
    ],
    ...(one.body && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: schemaOf(one.body, "input", schemas) } },
      },
    }),
    ...(one.takesFile && {
      requestBody: { required: true, content: { "application/octet-stream": {} } },
    }),
    responses: {
      [one.status]: {
        description: "Done",
        ...(one.result && {
          content: { "application/json": { schema: schemaOf(one.result, "output", schemas) } },
        }),
      },
      default: {
        description: "Why not",
        content: { "application/problem+json": { schema: { $ref: refOf("Problem") } } },
      },
    },
  };
}

const RETRY = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  schema: { type: "string", maxLength: 200 },
  description: "Who asks again with the same key within a day gets the first answer",
};

/** "getUsersUser" */
function idOf({ method, path }: Endpoint): string {
  const words = path.split("/").map((part) => part.replaceAll(/[{}]/g, ""));
  return (
    method.toLowerCase() + words.map((word) => word.replace(/^./, (a) => a.toUpperCase())).join("")
  );
}

function queryOf({ query }: Endpoint): Json[] {
  if (!query) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input" }) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }));
}

const refOf = (id: string) => `#/components/schemas/${id}`;

/** A schema; those that have an id stand among the components. */
function schemaOf(schema: z.ZodType, io: "input" | "output", schemas: Json): Json {
  const {
    $schema: _,
    $defs = {},
    ...made
  } = z.toJSONSchema(schema, { io }) as Json & {
    $defs?: Json;
  };
  const moved = (part: unknown) =>
    JSON.parse(JSON.stringify(part).replaceAll('"#/$defs/', `"${refOf("")}`));
  for (const [id, part] of Object.entries($defs)) schemas[id] = withoutId(moved(part));
  const id = made["id"];
  if (typeof id !== "string") return moved(made);
  schemas[id] = withoutId(moved(made));
  return { $ref: refOf(id) };
}

function withoutId({ id: _, $id: __, ...schema }: Json): Json {
  return schema;
}
