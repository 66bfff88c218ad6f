import { type Environment, PROCESS_ENVIRONMENT } from "../../io/home.ts";

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
 * @param environment The variables, if not those of this process.
 * @throws {Error} If it cannot, or Deno would listen elsewhere, too.
 */
export function checkAddress(
  address: Address,
  { variable }: Pick<Environment, "variable"> = PROCESS_ENVIRONMENT,
): void {
  const cannot = `Cannot listen at ${address.hostname}:${address.port}`;
  // Deno.serve() heeds it more than what it is told, and may so let others in.
  const elsewhere = variable("DENO_SERVE_ADDRESS");
  if (elsewhere) {
    throw new Error(
      `${cannot}: DENO_SERVE_ADDRESS has Deno listen at ${elsewhere}, wanted it unset`,
    );
  }
  try {
    Deno.listen(address).close();
  } catch (error) {
    throw new Error(`${cannot}: ${reasonOf(error)}`, { cause: error });
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
