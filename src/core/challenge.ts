// How a client is asked for what it has to show.

/**
 * The header of a 401: clients send what they have for this host when they are asked for it in a way that they know. Basic is the one that
 * all but npm's speak; a token is its password. RFC 9110 §11.6.1
 */
export function challenge({ status }: { status: number }): Record<string, string> {
  return status === 401 ? { "www-authenticate": 'Basic realm="holdfast"' } : {};
}
