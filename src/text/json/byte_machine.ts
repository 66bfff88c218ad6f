import type { ByteSet, Part, PartKind } from "./byte_grammar.ts";

/** What is still to come, behind the byte that is next. */
interface Frame {
  /** Tells frames apart. */
  readonly id: number;
  /** What comes. */
  readonly part: Part;
  /** What of a sequence is next, or how often a repetition came already. */
  readonly at: number;
  /** What comes after it; `null` is the end. */
  readonly next: Frame | null;
}

/** A byte that may come, and what comes after it. */
interface Way {
  readonly part: Part;
  readonly set: ByteSet;
  readonly next: Frame | null;
}

/**
 * Where a text stands: all ways in which it may go on. The same ways are the same
 * object, so that what is found out about a state can be kept with it.
 */
export interface State {
  /** Whether the text may end here. */
  readonly mayEnd: boolean;
  /** Which bytes may come: (8) words of 32 bits. */
  readonly allowed: ByteSet;
  /** The ways to go on. */
  readonly ways: readonly Way[];
  /** The states after each byte, as far as they are known. */
  readonly after: Map<number, State>;
}

/** The most ways of a state; more would take too long to go through. */
const WAY_LIMIT = 4000;

/** The most frames, states and steps between states that are kept. */
const KEPT_LIMIT = 500_000;

/**
 * Follows a text through a grammar, byte by byte: a pushdown automaton that keeps
 * every stack which the bytes so far allow.
 */
export class ByteMachine {
  readonly #parts: readonly PartKind[];
  readonly #root: Part;
  #frames = new Map<string, Frame>();
  #states = new Map<string, State>();
  #start: State;
  /** States and frames with loose counts, by those with exact ones. */
  #looseStates = new WeakMap<State, State>();
  #looseFrames = new WeakMap<Frame, Frame>();
  #frameCount = 0;
  #keptCount = 0;

  /**
   * Constructs the machine of a grammar.
   *
   * @param parts The grammar.
   * @param root The part that a whole text is.
   */
  constructor(parts: readonly PartKind[], root: Part) {
    this.#parts = parts;
    this.#root = root;
    this.#start = this.#stateOf([this.#frame(root, 0, null)]);
  }

  /** Before the first byte. */
  get start(): State {
    return this.#start;
  }

  /**
   * Takes a byte.
   *
   * @param state Where the text stands.
   * @param byte The byte.
   * @returns Where it stands then; `null` if the byte may not come.
   */
  next(state: State, byte: number): State | null {
    const bit = 1 << (byte & 31);
    if ((state.allowed[byte >> 5]! & bit) === 0) return null;
    const known = state.after.get(byte);
    if (known !== undefined) return known;
    const tops: (Frame | null)[] = [];
    for (const { set, next } of state.ways) {
      if ((set[byte >> 5]! & bit) !== 0) tops.push(next);
    }
    const after = this.#stateOf(tops);
    state.after.set(byte, after);
    if (++this.#keptCount > KEPT_LIMIT) this.#forget();
    return after;
  }

  /**
   * Finds a state that goes on in the same way for some bytes, and that more texts
   * come to: how often something was repeated counts only close to a limit.
   *
   * @param state A state.
   * @param byteCount For how many bytes; always the same.
   * @returns The other state.
   */
  loose(state: State, byteCount: number): State {
    let loose = this.#looseStates.get(state);
    if (loose === undefined) {
      const ways = new Map<string, Way>();
      for (const { part, set, next: exact } of state.ways) {
        const next = exact && this.#looseFrame(exact, byteCount);
        ways.set(wayKey(part, next), { part, set, next });
      }
      loose = this.#stateWith(ways, state.mayEnd);
      this.#looseStates.set(state, loose);
    }
    return loose;
  }

  #looseFrame(frame: Frame, byteCount: number): Frame {
    let loose = this.#looseFrames.get(frame);
    if (loose === undefined) {
      const { part, at, next } = frame;
      const kind = this.#parts[part]!;
      const count = kind.kind === "repeat"
        ? looseCount(at, { ...kind, room: byteCount + 1 })
        : at;
      const rest = next && this.#looseFrame(next, byteCount);
      loose = this.#frame(part, count, rest);
      this.#looseFrames.set(frame, loose);
    }
    return loose;
  }

  /** The state in which any of some stacks may be. */
  #stateOf(tops: readonly (Frame | null)[]): State {
    const ways = new Map<string, Way>();
    return this.#stateWith(ways, this.#expand(tops, ways));
  }

  /** The state with these ways: there is one only. */
  #stateWith(ways: ReadonlyMap<string, Way>, mayEnd: boolean): State {
    const key = `${[...ways.keys()].sort().join(" ")}${mayEnd ? "." : ""}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      const allowed: ByteSet = new Uint32Array(8);
      for (const { set } of ways.values()) {
        for (let i = 0; i < 8; i++) allowed[i]! |= set[i]!;
      }
      state = { mayEnd, allowed, ways: [...ways.values()], after: new Map() };
      this.#states.set(key, state);
    }
    return state;
  }

  /** Goes on until bytes come next; returns whether the text may end. */
  #expand(tops: readonly (Frame | null)[], ways: Map<string, Way>): boolean {
    const open = [...tops];
    const seen = new Set<number>();
    let mayEnd = false;
    while (open.length > 0) {
      const frame = open.pop()!;
      if (frame === null) {
        mayEnd = true;
        continue;
      }
      if (seen.has(frame.id)) continue;
      seen.add(frame.id);
      if (seen.size > WAY_LIMIT) {
        throw new RangeError(
          `Cannot constrain to the schema: a text has more than ${WAY_LIMIT} ways to go on, wanted fewer`,
        );
      }
      const { part, at, next } = frame;
      const kind = this.#parts[part]!;
      switch (kind.kind) {
        case "bytes":
          ways.set(wayKey(part, next), { part, set: kind.set, next });
          break;
        case "sequence": {
          const after = at + 1 < kind.parts.length
            ? this.#frame(part, at + 1, next)
            : next;
          const first = kind.parts[at];
          // A sequence of nothing is over at once.
          open.push(first === undefined ? next : this.#frame(first, 0, after));
          break;
        }
        case "choice":
          for (const one of kind.parts) open.push(this.#frame(one, 0, next));
          break;
        case "repeat": {
          // Without a most, how often it came counts up to the least only.
          const most = kind.max === Infinity ? kind.min : at + 1;
          const count = Math.min(at + 1, most);
          if (at >= kind.min) open.push(next);
          if (at < kind.max) {
            const again = this.#frame(part, count, next);
            open.push(this.#frame(kind.part, 0, again));
          }
        }
      }
    }
    return mayEnd;
  }

  /** Begins anew; texts that are being followed go on with what they have. */
  #forget(): void {
    this.#frames = new Map();
    this.#states = new Map();
    this.#keptCount = 0;
    this.#start = this.#stateOf([this.#frame(this.#root, 0, null)]);
  }

  /** The frame with this content: there is one only. */
  #frame(part: Part, at: number, next: Frame | null): Frame {
    const key = `${part},${at},${next?.id ?? ""}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      this.#keptCount++;
      frame = { id: this.#frameCount++, part, at, next };
      this.#frames.set(key, frame);
    }
    return frame;
  }
}

function wayKey(part: Part, next: Frame | null): string {
  return `${part}:${next?.id ?? ""}`;
}

/** A count that is as far from its limits, or farther than there is room for. */
function looseCount(
  at: number,
  { min, max, room }: { min: number; max: number; room: number },
): number {
  if (at < min) return min - at > room ? min - room : at;
  return max - at > room ? min : at;
}
