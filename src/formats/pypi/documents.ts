// The two kinds of documents of a Python index: project pages, and the answers of its JSON API.
import type { DocumentRef, DocumentType } from "../../core/document.ts";
import type { PypiOptions } from "./options.ts";
import { projectEntries, projectFacts } from "./page.ts";
import { releaseFacts, renderRelease } from "./release.ts";
import { MEDIA } from "./types.ts";
import { renderProject } from "./view.ts";

export const documents = {
  project: {
    complete: true,
    isLinked: true,
    limit: 128 * 1024 * 1024,
    facts: projectFacts,
    extract: projectEntries,
    render: renderProject,
  },
  release: {
    complete: false,
    isLinked: true,
    limit: 64 * 1024 * 1024,
    facts: releaseFacts,
    render: renderRelease,
  },
} satisfies Record<string, DocumentType>;

/** The page that names all files of a normalised project. */
export function projectRef(project: string, options: PypiOptions): DocumentRef {
  return {
    kind: "project",
    key: project,
    package: project,
    path: `${options.simplePath}${project}/`,
    accept: `${MEDIA.json}, ${MEDIA.html};q=0.2, ${MEDIA.text};q=0.1`,
  };
}

/** What the JSON API says of a normalised project, or of one version of it. */
export function releaseRef(project: string, version: string | null): DocumentRef {
  return {
    kind: "release",
    key: version === null ? project : `${project}/${version}`,
    package: project,
    path: `pypi/${project}/${version === null ? "" : `${encodeURIComponent(version)}/`}json`,
    accept: "application/json",
  };
}
