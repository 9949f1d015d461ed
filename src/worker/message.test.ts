import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { packAnswer, packJob, unpackAnswer } from "./message.ts";

test("what is longer than may be handed over is a Problem with its length, on both ways", async () => {
  expect(() => packJob("x".repeat(100), "Reading it", 100)).toThrow(
    "Reading it takes more than can be handed over: 102 characters, 100 at most",
  );
  const answer = await packAnswer(async () => "x".repeat(100), 100);
  expect(() => unpackAnswer(answer)).toThrow(Problem);
  expect(() => unpackAnswer(answer)).toThrow("gave more than can be handed over");
});

test("a full disk is told as one", async () => {
  const answer = await packAnswer(async () => {
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  });
  expect(() => unpackAnswer(answer)).toThrow("The disk that holds the data directory is full");
});
