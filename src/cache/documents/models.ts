// What formats need to know of documents at each request: worked out once a copy, and kept in memory.
import type { DocumentRef, DocumentType } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import type { Modelled } from "../../core/repository.ts";
import { createCollapse } from "../collapse.ts";
import { createLru } from "../lru.ts";
import type { Documents, Found } from "./get.ts";
import { type DocumentState, placed } from "./state.ts";

const MODELS_IN_MEMORY = 500;

export interface ModelDeps {
  types: Record<string, DocumentType>;
  documents: Documents;
  /** Whether the bytes on disk are what they were. */
  isSound(state: DocumentState): Promise<boolean>;
  now(): number;
}

export interface Models {
  /** See `Repository.model`. */
  get<T>(ref: DocumentRef, which: "fresh" | "stored" | "now"): Promise<Modelled<T>>;
}

export function createModels({ types, documents, isSound, now }: ModelDeps): Models {
  const known = createLru<{ copy: string; model: unknown }>(MODELS_IN_MEMORY);
  const running = createCollapse<unknown>();

  async function get<T>(ref: DocumentRef, which: "fresh" | "stored" | "now"): Promise<Modelled<T>> {
    const found = which === "stored" ? await documents.stored(ref) : await ask(ref, which);
    try {
      return await answer<T>(ref, found);
    } catch (error) {
      if (await isSound(found.state)) throw error;
      if (which === "stored")
        throw new Problem("unreachable", `What is stored of ${ref.package} is lost or damaged`);
      return answer<T>(ref, await documents.again(ref));
    }
  }

  async function answer<T>(ref: DocumentRef, found: Found): Promise<Modelled<T>> {
    const { digest, changedAt } = found.state;
    return { model: (await modelOf(ref, found)) as T, digest, changedAt, cache: found.cache };
  }

  function ask(ref: DocumentRef, which: "fresh" | "now"): Promise<Found> {
    return which === "now" ? documents.get(ref, now()) : documents.get(ref);
  }

  async function modelOf(ref: DocumentRef, { state }: Found): Promise<unknown> {
    const id = `${ref.kind}\0${ref.key}`;
    const copy = `${state.blob} ${state.foundAt ?? ""}`; // of what is published here another one for each revision
    const before = known.get(id);
    if (before?.copy === copy) return before.model;
    const { result } = running.run(`${id}\0${copy}`, () =>
      types[ref.kind]!.model!({ ref: placed(ref, state), source: documents.open(ref, state) }),
    );
    const model = await result;
    known.set(id, { copy, model }, 1);
    return model;
  }

  return { get };
}
