// IP addresses and ranges of them.

/** A test for addresses and CIDR blocks: "10.0.0.0/8", "127.0.0.1", "::1". Throws on anything else. */
export function addressTest(blocks: readonly string[]): (address: string) => boolean {
  const tests = blocks.map((block) => {
    const [base, bits, ...rest] = block.split("/");
    const want = toBits(base!);
    const length = bits === undefined ? want?.length : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    // What cannot be read must not be read as a range of everything.
    if (want === null || length === undefined || length < 0 || length > want.length || rest.length)
      throw new RangeError(`Not an IP address or CIDR block: ${block}`);
    return (address: string) =>
      address.length === want.length && address.startsWith(want.slice(0, length));
  });
  return (address) => {
    const bits = toBits(address);
    return bits !== null && tests.some((matches) => matches(bits));
  };
}

/** Whether it is an address or a CIDR block that `addressTest` takes. */
export function isRange(block: unknown): boolean {
  try {
    if (typeof block !== "string") return false;
    addressTest([block]);
    return true;
  } catch {
    return false;
  }
}

/** The bits of an address as text; an IPv4 address in IPv6 form counts as IPv4. */
function toBits(address: string): string | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  const plain = mapped ? mapped[1]! : address;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(plain)) {
    const parts = plain.split(".").map(Number);
    return parts.some((part) => part > 255)
      ? null
      : parts.map((part) => part.toString(2).padStart(8, "0")).join("");
  }
  if (!/^[0-9a-f:]+$/i.test(plain) || plain.split("::").length > 2) return null;
  const [left, right] = plain.split("::").map((half) => half.split(":").filter(Boolean));
  const missing = 8 - left!.length - (right?.length ?? 0);
  if (right === undefined ? missing !== 0 : missing < 0) return null;
  const groups = [
    ...left!,
    ...Array<string>(right === undefined ? 0 : missing).fill("0"),
    ...(right ?? []),
  ];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0")).join("");
}
