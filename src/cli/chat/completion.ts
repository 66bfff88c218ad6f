/** What Tab makes of a text. */

import { type EditorState, insert } from "./line_editor.ts";

/** What may stand in place of the end of a text. */
export interface Completion {
  /** Where the end begins: characters of the text before it. */
  readonly from: number;
  /** What may stand there. */
  readonly candidates: readonly string[];
}

/** Finds what may follow. */
export type Complete = (text: string) => Promise<Completion>;

/** The most candidates that are shown. */
const CHOICE_LIMIT = 40;

/**
 * Completes the text before the cursor as far as all candidates agree.
 *
 * @param state What is typed.
 * @param complete Finds the candidates.
 * @returns What is typed then, and what to choose from if that is the same.
 */
export async function completeText(
  state: EditorState,
  complete: Complete,
): Promise<{ state: EditorState; choices: readonly string[] }> {
  const { from, candidates } = await complete(
    state.text.slice(0, state.cursor),
  );
  const [only] = candidates;
  if (only === undefined) return { state, choices: [] };
  const typed = state.text.slice(from, state.cursor);
  const isWhole = candidates.length === 1 && !only.endsWith("/");
  const added = commonStart(candidates).slice(typed.length);
  if (added !== "" || isWhole) {
    const next = isWhole ? `${added} ` : added;
    return { state: insert(state, next), choices: [] };
  }
  return { state, choices: shortened(candidates) };
}

/**
 * What all texts begin with.
 *
 * @param texts At least one.
 * @returns The longest start that they share.
 */
export function commonStart(texts: readonly string[]): string {
  return texts.reduce((start, text) => {
    let length = 0;
    while (length < start.length && start[length] === text[length]) length++;
    return start.slice(0, length);
  });
}

function shortened(candidates: readonly string[]): readonly string[] {
  const more = candidates.length - CHOICE_LIMIT;
  if (more <= 0) return candidates;
  return [...candidates.slice(0, CHOICE_LIMIT), `and ${more} more`];
}
