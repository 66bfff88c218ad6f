/** Where a server listens. */
export interface Address {
  /** The name or number of the machine. */
  readonly hostname: string;
  /** The port; 0 for any. */
  readonly port: number;
}

/**
 * Checks that an address can be listened at, so that nobody waits for a model to
 * load in vain.
 *
 * @param address The address.
 * @throws {Error} If it cannot.
 */
export function checkAddress(address: Address): void {
  try {
    Deno.listen(address).close();
  } catch (error) {
    throw new Error(
      `Cannot listen at ${address.hostname}:${address.port}: ${
        reasonOf(error)
      }`,
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "the port is in use, wanted a free one; --port 0 takes any";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine has no such address, wanted one of its own";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "the system does not allow it, wanted a port above 1023";
  }
  return error instanceof Error ? error.message : String(error);
}
