// How numbers and times are written for people.
import { type Html, html } from "./html.ts";

export function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** A share in whole percent, never rounded up to all of it. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${Math.floor((part / whole) * 100)} %`;
}

/** How long a time is, in one unit: "5 min". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${number(Math.round(hours / 24))} days`;
}

/** 2026-11-23 12:00 UTC */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** "5 min ago"; what is to come is "in 5 min". The whole moment is in its title. */
export function ago(at: number, now: number): Html {
  const text = at > now ? `in ${span(at - now)}` : `${span(now - at)} ago`;
  return timed(at, text);
}

/** 2026-11-23. The whole moment is in its title. */
export function day(at: number): Html {
  return timed(at, new Date(at).toISOString().slice(0, 10));
}

function timed(at: number, text: string): Html {
  return html`<time datetime="${new Date(at).toISOString()}" title="${moment(at)}">${text}</time>`;
}
