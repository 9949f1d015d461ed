// A large wheel is published: it goes to disk as it comes, and memory stays what it is.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { boundary, contentType, wheel } from "../../src/formats/pypi/testdata/distributions.ts";
import { grantOf } from "../../src/core/testkit.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startServer } from "../support/server.ts";
