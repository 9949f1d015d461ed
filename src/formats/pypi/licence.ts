// The licence of a release, as the index tells it beside its files. https://packaging.python.org/en/latest/specifications/core-metadata/
import { licenceTrait, type Traits } from "../../core/traits.ts";

/** Of classifiers, those that mean one licence of SPDX's; the others (`BSD License`) say too little. */
const CLASSIFIERS: Readonly<Record<string, string>> = {
  "Academic Free License (AFL)": "AFL-3.0",
  "Apache Software License": "Apache-2.0",
  "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
  "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
  "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
  "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
  "GNU Affero General Public License v3": "AGPL-3.0-only",
  "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
  "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
  "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
  "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
  "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
  "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
  "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
  "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
  "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
  "ISC License (ISCL)": "ISC",
  "MIT License": "MIT",
  "MIT No Attribution License (MIT-0)": "MIT-0",
  "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
  "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
  "Python Software Foundation License": "PSF-2.0",
  "The Unlicense (Unlicense)": "Unlicense",
  "Universal Permissive License (UPL)": "UPL-1.0",
  "Zope Public License": "ZPL-2.1",
  "zlib/libpng License": "Zlib",
};
const LICENCE = /^License :: (?:OSI Approved :: )?(.+)$/;
/** `BSD-3-Clause`, `MIT OR Apache-2.0`: what is written into the old field is mostly words or a whole text. */
const EXPRESSION = /^\(?[A-Za-z0-9.+-]+\)?(?: (?:AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*$/;

/**
 * `info` is that of the version. What it says as an expression goes before its classifiers, and these before the old field. Of several classifiers all
 * hold: which may be chosen they do not say. One that is not known leaves it to the next.
 */
export function traitsOf(info: Readonly<Record<string, unknown>>): Traits {
  const licence =
    licenceTrait(info["license_expression"]) ??
    classified(info["classifiers"]) ??
    old(info["license"]);
  return licence === undefined ? {} : { licence };
}

function classified(classifiers: unknown): string | undefined {
  if (!Array.isArray(classifiers)) return undefined;
  const names = classifiers.flatMap((one) => LICENCE.exec(String(one))?.[1] ?? []);
  // The family, beside those of it.
  const own = [...new Set(names)].filter((name) => name !== "OSI Approved");
  const ids = own.map((name) => (Object.hasOwn(CLASSIFIERS, name) ? CLASSIFIERS[name] : undefined));
  if (ids.length === 0 || ids.includes(undefined)) return undefined;
  return licenceTrait(ids.join(" AND "));
}

function old(text: unknown): string | undefined {
  const licence = licenceTrait(text);
  return licence !== undefined && EXPRESSION.test(licence) ? licence : undefined;
}
