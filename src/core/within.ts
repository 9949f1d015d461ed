// What is waited for no longer than some time.

/**
 * What `work` comes to, or what `late` says where it takes longer than so many milliseconds; that may throw. The work goes on, and nobody hears of it
 * then. No timer stays behind.
 */
export async function within<T, Late>(
  ms: number,
  work: Promise<T>,
  late: () => Late,
): Promise<T | Late> {
  const { promise, resolve } = Promise.withResolvers<typeof LATE>();
  const timer = setTimeout(resolve, ms, LATE);
  try {
    const first = await Promise.race([work, promise]);
    return first === LATE ? late() : first;
  } finally {
    clearTimeout(timer);
  }
}

const LATE = Symbol("late");
