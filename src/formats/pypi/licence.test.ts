import { expect, test } from "bun:test";
import { traitsOf } from "./licence.ts";

const OSI = "License :: OSI Approved";

test.each<[object, string | undefined]>([
  [{ license_expression: "MIT OR Apache-2.0", license: "GPL" }, "MIT OR Apache-2.0"],
  [{ license_expression: "", classifiers: [`${OSI} :: MIT License`] }, "MIT"],
  [{ classifiers: ["Topic :: Software", OSI, `${OSI} :: ISC License (ISCL)`] }, "ISC"],
  // Which of them may be chosen is not said.
  [
    { classifiers: [`${OSI} :: MIT License`, `${OSI} :: GNU General Public License v3 (GPLv3)`] },
    "MIT AND GPL-3.0-only",
  ],
  [{ classifiers: [`${OSI} :: BSD License`], license: "BSD-3-Clause" }, "BSD-3-Clause"],
  [{ classifiers: [`${OSI} :: MIT License`, "License :: Other/Proprietary License"] }, undefined],
  [{ classifiers: ["License :: toString"] }, undefined],
  [{ license: "MIT OR (GPL-2.0-only AND ISC)" }, "MIT OR (GPL-2.0-only AND ISC)"],
  [
    { license: "GPL-2.0-only WITH Classpath-exception-2.0" },
    "GPL-2.0-only WITH Classpath-exception-2.0",
  ],
  [{ license: "Permission is hereby granted, free of charge" }, undefined],
  [{ license: "x".repeat(5000) }, undefined],
  [{ license: null, license_expression: 7, classifiers: "MIT" }, undefined],
  [{ classifiers: [null, 7, {}] }, undefined],
  [{}, undefined],
])("%j", (info, licence) => {
  expect(traitsOf(info as Record<string, unknown>)).toEqual(
    licence === undefined ? {} : { licence },
  );
});
