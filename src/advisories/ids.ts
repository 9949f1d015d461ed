// Which of very many ids were seen, in eight bytes each.

export interface SeenIds {
  add(id: string): void;
  /** Whether it was added before; of a million ids one may be taken for another by a chance of one in ten thousand. */
  has(id: string): boolean;
  readonly size: number;
}

export function seenIds(): SeenIds {
  let numbers = new Float64Array(1024);
  let size = 0;
  let isSorted = true;
  return {
    add(id) {
      if (size === numbers.length) {
        const larger = new Float64Array(2 * size);
        larger.set(numbers);
        numbers = larger;
      }
      numbers[size++] = numberOf(id);
      isSorted = false;
    },
    has(id) {
      if (!isSorted) numbers.subarray(0, size).sort();
      isSorted = true;
      const wanted = numberOf(id);
      let [low, high] = [0, size];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (numbers[middle]! < wanted) low = middle + 1;
        else high = middle;
      }
      return low < size && numbers[low] === wanted;
    },
    get size() {
      return size;
    },
  };
}

/** Of 53 bits: two rounds of FNV-1a. */
function numberOf(id: string): number {
  let one = 0x811c9dc5;
  let other = 0x050c5d1f;
  for (let at = 0; at < id.length; at += 1) {
    const code = id.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ (code + at), 0x01000193);
  }
  return (one >>> 0) * 2 ** 21 + ((other >>> 0) & 0x1fffff);
}
