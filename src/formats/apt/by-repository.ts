// What is remembered of one repository, whoever uses it.
import { memo } from "../../core/memo.ts";

/** As `memo` does, but the same for a repository whatever grant it is bound to: its events have one place. */
export function byRepository<Key extends object, Value>(
  make: (repository: Key) => Value,
): (repository: Key) => Value {
  const owners = memo((_: object) => ({ made: null as { value: Value } | null }));
  return (repository) => {
    const owner = owners((repository as { report?: object }).report ?? repository);
    owner.made ??= { value: make(repository) };
    return owner.made.value;
  };
}
