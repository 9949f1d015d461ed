// What is worked out once and looked up from then on. For pure functions on the path of every request.

/** Remembers what follows from an object for as long as the object lives. `make` must depend on nothing else. */
export function memo<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = make(key);
      known.set(key, value);
    }
    return value;
  };
}

/** Longer ones are nothing that many send alike. */
export const MEMORABLE = 500;

/** Remembers what follows from a text, of `limit` texts at most: enough for headers, which clients send alike. */
export function memoText<Value>(
  make: (text: string) => Value,
  limit = 200,
): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = make(text);
    if (text.length > MEMORABLE) return value;
    // Anew from the beginning: what repeats is there again at once, whoever filled it.
    if (known.size >= limit) known.clear();
    known.set(text, value);
    return value;
  };
}
