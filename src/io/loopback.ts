/** Names of this machine that no other one can have. */
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\]|::1)$/;

/**
 * Whether a host is this machine, whatever anybody says.
 *
 * @param host A name or an address.
 * @returns Whether no other machine can have it.
 */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
