// What each kind of event means, and what people do about it: so that a red line leads to its cure.
import type { EventKind } from "../../core/event.ts";

export interface Advice {
  means: string;
  todo: string;
}

export const ADVICE: Partial<Record<EventKind, Advice>> = {
  tampered: {
    means:
      "The upstream sent other bytes under a version that was seen before. Clients keep getting the first ones.",
    todo: "Find out from the publisher which bytes are right. Where the first ones are bad, block the release and look who fetched it. Where the new ones are meant, they need a version of their own: what documents told first binds for good.",
  },
  fork: {
    means: "A transparency log told two different histories.",
    todo: "Trust nothing new of it until its operator has said why.",
  },
  unsigned: {
    means: "A signature that there should be is missing or false.",
    todo: "What was there before is served on. Find out whether the upstream changed its key.",
  },
  rollback: {
    means: "The upstream offers an older state than the one it gave before.",
    todo: "The newer one is served on. It ends by itself when the upstream has caught up.",
  },
  expired: {
    means: "What the upstream signed is past its date.",
    todo: "Clients may refuse it as well. See whether the upstream, or what is between, is stuck.",
  },
  damaged: {
    means: "Stored bytes are not what they were: the disk, or somebody on this machine.",
    todo: "They are fetched again by the next who asks. Run a check of the whole store, and look at the disk.",
  },
  unproven: {
    means: "What is said of who made a file is false.",
    todo: "Block the release until its publisher has said why.",
  },
  revoked: {
    means: "A release that was fetched here is blocked by an advisory from now on.",
    todo: "Look who fetched it, and tell them.",
  },
  advisory: {
    means: "A feed told something of a release that was fetched here.",
    todo: "Read the advisory, and look who fetched the release.",
  },
  orphaned: {
    means: "The upstream no longer names a file that was fetched here. It is served on.",
    todo: "Find out whether it was withdrawn because it is bad.",
  },
  withheld: {
    means: "Policy keeps a release from clients who asked about it.",
    todo: "Wait until its time has come, or let it through where that is right.",
  },
  similar: {
    means: "A package was asked for whose name is close to that of a popular one.",
    todo: "Ask who fetched it whether they meant that one; block it where nobody did.",
  },
  "upstream-down": {
    means:
      "An upstream cannot be reached. What is stored is served; what is not is told as an outage.",
    todo: "Look at the reason, and at the way there: name service, proxy, firewall. It is asked again by itself.",
  },
  "disk-low": {
    means: "Little is left of the disk. What is stored is served; nothing new may be kept soon.",
    todo: "Make room, or set how much is to be kept free (disk: keepFree).",
  },
  "canary-red": {
    means:
      "A made-up package met something else than it should: the server does not enforce what it says it does, for this repository.",
    todo: "Look which canary it was, and what the configuration says of the repository (its page has each setting's line). Begin another round under Canaries: it is red until one goes well.",
  },
  "history-lost": {
    means:
      "The append-only log has what the database no longer has: it was deleted, or an older copy put in its place.",
    todo: "Find out who did that. `holdfast ledger audit` names what was changed; after a restore that was meant, `holdfast ledger accept` takes it as it is.",
  },
  "log-forked": {
    means: "A witness has seen another history of this server's log than the one that is here.",
    todo: "Trust nothing new until it is known which of the two is right: compare with `holdfast ledger compare`.",
  },
  alarm: {
    means:
      "A rule found something that calls for somebody. It is over by itself when what is wrong is right.",
    todo: "Alarms has all that are open; one that is known can be silenced there for a while.",
  },
  unfinished: {
    means: "Work on a file had to be ended.",
    todo: "It is tried again with the next request. Where it stays, look at the file in the evidence.",
  },
  malformed: {
    means:
      "The upstream's answer was not what it should be, a login page say. The copy before is served.",
    todo: "Look at what is between this server and the upstream.",
  },
  refused: {
    means: "The upstream refused to answer. The copy before is served.",
    todo: "See whether its credentials are still right.",
  },
};
