// `holdfast disk show` and `disk clean`, by the server that runs.
import type { OperationCall } from "../core/operation.ts";
import { humanSize } from "../core/size.ts";
import type { HouseOperations } from "./house.ts";
import type { Made, Room, RoomState } from "./room.ts";

export function roomOperations(room: Room): HouseOperations {
  return {
    async "disk show"({ say }: OperationCall) {
      for (const line of tellState(await room.state())) say(line);
      return true;
    },
    async "disk clean"({ say, signal, flags, values = {} }: OperationCall) {
      const isDry = flags.has("dry-run") || values["dry-run"] === "true";
      const before = await room.state();
      const made = await room.make({ isDry, signal });
      for (const line of tellMade(before, made, isDry)) say(line);
      return !signal.aborted;
    },
  };
}

function tellState({ free, total, keepFree, until, wanted, repositories }: RoomState): string[] {
  const marks =
    keepFree === 0
      ? "nothing is removed to keep some of it free"
      : `${humanSize(keepFree)} are to stay free, and room is made up to ${humanSize(until)}`;
  return [
    `${humanSize(free)} of ${humanSize(total)} are free: ${marks}${wanted > 0 ? `; ${humanSize(wanted)} are to go now` : ""}.`,
    ...repositories.map(({ name, fetched, quota, wanted: over, whyNot }) => {
      const bound = quota === null ? "no quota" : `of ${humanSize(quota)}`;
      const going = over > 0 ? `, ${humanSize(over)} too many` : "";
      return `${name}  ${humanSize(fetched)} fetched, ${bound}${going}${whyNot ? ` (nothing goes: ${whyNot})` : ""}`;
    }),
  ];
}

function tellMade({ wanted, repositories }: RoomState, made: Made[], isDry: boolean): string[] {
  const isWanted = wanted > 0 || repositories.some(({ wanted: over }) => over > 0);
  if (!isWanted) return ["There is room: nothing is to go."];
  const lines = made.flatMap(({ repository, files, bytes, kept }) => [
    `${repository}: ${isDry ? "would remove" : "removed"} ${count(files)}, ${humanSize(bytes)}`,
    ...[...kept].map(([why, stay]) => `${repository}: ${count(stay)} used longer ago stay: ${why}`),
  ]);
  for (const { name, whyNot } of repositories)
    if (whyNot !== null) lines.push(`${name}: nothing goes: ${whyNot}`);
  return lines.length > 0 ? lines : ["Nothing can go now: all that is left came just now."];
}

function count(files: number): string {
  return `${files.toLocaleString("en-US")} ${files === 1 ? "file" : "files"}`;
}
