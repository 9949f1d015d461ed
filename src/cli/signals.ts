// SIGTERM and Ctrl-C, for commands that stop in an orderly way, and SIGHUP for one that reads its configuration again.

/** Calls back on each signal to stop the process; what it returns leaves off. */
export function processSignals(stop: (signal: NodeJS.Signals) => void): () => void {
  const wanted: NodeJS.Signals[] = ["SIGTERM", "SIGINT"];
  for (const signal of wanted) process.on(signal, stop);
  return () => {
    for (const signal of wanted) process.off(signal, stop);
  };
}

/** Calls back on each SIGHUP; what it returns leaves off. */
export function processHangUps(heard: () => void): () => void {
  process.on("SIGHUP", heard);
  return () => process.off("SIGHUP", heard);
}
