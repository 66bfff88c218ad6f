/** What a recorder records, and what a profile wants to know of it. */

/** What an op moves and computes, as far as it is known when it is recorded. */
export interface Cost {
  /** Bytes of weights, keys and values that it reads, each counted once. */
  readonly byteLength?: number;
  /** Bytes that it brings over the link, which are not among those. */
  readonly linkByteLength?: number;
  /** Bytes that it would bring if every expert was missing: the GPU decides. */
  readonly missByteLength?: number;
  /** Bytes that it would bring if there was a guess each time: the GPU decides. */
  readonly guessByteLength?: number;
  /** Multiplications and additions. */
  readonly flops?: number;
}

/** Something that runs on the GPU, made at load and dispatched per step. */
export interface Encodable {
  /** The kernel, or what several of them compute. */
  readonly name: string;
  /**
   * What it is in a model, for profiles.
   *
   * @default {undefined} what the op is that it is a part of
   */
  readonly role?: string;
  /**
   * Records the dispatches for a step of `tokenCount` tokens.
   *
   * @param pass The compute pass.
   * @param tokenCount How many rows of x there are.
   * @param position Where the first of them stands; `undefined` if nobody knows:
   * then the op does what is right, if not fastest, for all.
   */
  encode(
    pass: GPUComputePassEncoder,
    tokenCount: number,
    position?: number,
  ): void;
  /**
   * Says what the step takes; asked by profiles only.
   *
   * @default {undefined} nobody knows
   */
  cost?(tokenCount: number, position?: number): Cost;
  /**
   * Says which ops the step takes in its place; asked by profiles only.
   *
   * @default {undefined} it is one of its own
   */
  parts?(tokenCount: number, position?: number): readonly Encodable[];
}

/** A dispatch by the name that profiles give it. */
export interface Leaf {
  /** What it is in a model. */
  readonly role: string;
  /** The op, which has no parts. */
  readonly op: Encodable;
}

/**
 * Takes an op apart.
 *
 * @param op The op.
 * @param step How many tokens the step has, and where the first of them stands.
 * @param role What it is, unless it says so itself.
 * @returns The ops that stand for themselves, in order.
 */
export function* leavesOf(
  op: Encodable,
  step: { readonly tokenCount: number; readonly position: number | undefined },
  role: string = op.name,
): Generator<Leaf, void> {
  const own = op.role ?? role;
  const parts = op.parts?.(step.tokenCount, step.position);
  if (parts === undefined) return yield { role: own, op };
  for (const part of parts) yield* leavesOf(part, step, own);
}
