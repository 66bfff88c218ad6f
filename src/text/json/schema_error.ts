/**
 * Makes the error about a schema that texts cannot be held to.
 *
 * @param path Where in the schema, as in `$.properties.x`.
 * @param state What is wrong there, and what is wanted.
 * @returns The error.
 */
export function schemaError(path: string, state: string): RangeError {
  return new RangeError(
    `Cannot constrain to the schema: ${path} ${state}`,
  );
}
