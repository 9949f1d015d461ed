// How late the process comes to what is due: what holds the loop holds every request.
import type { Metrics } from "../core/metrics.ts";

const EVERY_MS = 1000;

/** `elapsed`: milliseconds that only grow. Call what it returns to stop. */
export function watchLoop(metrics: Metrics, elapsed: () => number): () => void {
  const lag = metrics
    .histogram(
      "holdfast_loop_lag_seconds",
      "How late a clock of the process came, looked at each second.",
    )
    .of({});
  let due = elapsed() + EVERY_MS;
  const timer = setInterval(() => {
    lag.observe(Math.max(0, elapsed() - due) / 1000);
    due = elapsed() + EVERY_MS;
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
