import { expect, test } from "bun:test";
import { distance, nearest } from "./nearest.ts";

const distances: [a: string, b: string, want: number][] = [
  ["", "", 0],
  ["", "abc", 3],
  ["upstreams", "upstreams", 0],
  ["upstrems", "upstreams", 1],
  ["nmp", "npm", 1],
  ["kitten", "sitting", 3],
];
for (const [a, b, want] of distances)
  test(`distance(${a}, ${b}) is ${want} both ways`, () => {
    expect(distance(a, b)).toBe(want);
    expect(distance(b, a)).toBe(want);
  });

const known = ["listen", "data", "publicUrl", "offline", "npm", "go"];
const words: [word: string, want: string | null][] = [
  ["listn", "listen"],
  ["public_url", "publicUrl"],
  ["PUBLICURL", "publicUrl"],
  ["nmp", "npm"],
  ["g0", "go"],
  ["of", null], // two steps of two letters would be nonsense
  ["cargo", null],
  ["zzzzzz", null],
  ["", null],
];
for (const [word, want] of words)
  test(`nearest(${word}) is ${want}`, () => expect(nearest(word, known)).toBe(want));
