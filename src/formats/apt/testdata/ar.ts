// An ar archive of what a test says. deb(5)

export function arOf(members: Record<string, Buffer>): Buffer {
  const parts = Object.entries(members).map(([name, bytes]) => {
    const head = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`;
    return Buffer.concat([Buffer.from(head), bytes, Buffer.alloc(bytes.length % 2, "\n")]);
  });
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}
