// The kinds of documents of a Python index: project pages, the answers of its JSON API, and the list of projects.
import type { DocumentRef, DocumentType } from "../../core/document.ts";
import { composeProject } from "./compose-page.ts";
import { composeRelease } from "./compose-release.ts";
import type { PypiOptions } from "./options.ts";
import { projectEntries, projectFacts } from "./page.ts";
import { projectsFacts } from "./projects.ts";
import { renderProjects } from "./projects-view.ts";
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
    compose: composeProject,
    render: renderProject,
  },
  release: {
    complete: false,
    isLinked: true,
    limit: 64 * 1024 * 1024,
    facts: releaseFacts,
    compose: composeRelease,
    render: renderRelease,
  },
  projects: {
    complete: false,
    limit: 256 * 1024 * 1024,
    facts: projectsFacts,
    render: renderProjects,
  },
} satisfies Record<string, DocumentType>;

const SIMPLE = `${MEDIA.json}, ${MEDIA.html};q=0.2, ${MEDIA.text};q=0.1`;

/** The list of all projects. */
export function projectsRef({ simplePath }: PypiOptions): DocumentRef {
  return {
    kind: "projects",
    key: "list of projects",
    package: "",
    path: simplePath,
    accept: SIMPLE,
  };
}

/** The page that names all files of a normalised project. */
export function projectRef(project: string, options: Pick<PypiOptions, "simplePath">): DocumentRef {
  return {
    kind: "project",
    key: project,
    package: project,
    path: `${options.simplePath}${project}/`,
    accept: SIMPLE,
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
