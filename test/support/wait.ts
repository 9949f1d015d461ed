// Waits for a condition, never for a time: the limit is only there so that a failure ends.

/** Resolves once `done` is true; rejects with `why` when that takes longer than `limit` milliseconds. */
export async function waitFor(
  done: () => boolean | Promise<boolean>,
  why: () => string,
  limit = 5_000,
): Promise<void> {
  const end = performance.now() + limit;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(why());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
