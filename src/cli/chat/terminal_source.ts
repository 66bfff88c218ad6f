import { dim } from "@std/fmt/colors";
import type { Interrupts } from "../interrupts.ts";
import type { Io, Size } from "../io.ts";
import { note } from "../note.ts";
import { joinRows } from "../text_width.ts";
import { type Complete, completeText } from "./completion.ts";
import {
  editorView,
  leave,
  NO_VIEW,
  redraw,
  reflowed,
  type View,
} from "./editor_view.ts";
import { type Key, KeyReader, PASTE_OFF, PASTE_ON } from "./keys.ts";
import { type EditorState, EMPTY, press } from "./line_editor.ts";
import { typedText } from "./line_reader.ts";
import type { Incoming, MessageSource } from "./message_source.ts";
import type { PromptHistory } from "./prompt_history.ts";
import type { Terminal } from "./terminal.ts";

/** Moves the cursor to the top and wipes the screen. */
const WIPE_SCREEN = "\x1b[H\x1b[2J";

/** What {@linkcode terminalSource} works with. */
export interface TerminalSourceOptions {
  /** Where keys come from; stderr shows what is typed. */
  io: Io;
  /** Tells of Ctrl-C. */
  interrupts: Interrupts;
  /** The terminal. */
  terminal: Terminal;
  /** What was typed before. */
  history: PromptHistory;
  /** What Tab offers. */
  complete: Complete;
}

/** What the editor waits for. */
type Event = Key | "closed" | "resized" | "resumed";

/**
 * Reads messages from a terminal, with a line editor. What is typed while an answer
 * comes is kept for the next prompt.
 *
 * @param options The terminal and what it needs.
 * @returns The messages; disposing of it puts the terminal back.
 */
export function terminalSource(
  { io, interrupts, terminal, history, complete }: TerminalSourceOptions,
): MessageSource {
  const events = new Queue<Event>();
  const listening = terminal.listen({
    onResize: () => events.push("resized"),
    onResume: () => {
      terminal.setRaw(true); // during an answer, too: what is typed is not to show
      events.push("resumed");
    },
  });
  readKeys(io.input, events);
  let shown: View = NO_VIEW;
  const show = (state: EditorState, room: Partial<Size> = {}) => {
    const size = { ...io.terminal.size(), ...room };
    const view = editorView(state, size, history.texts);
    io.err(redraw(shown, view));
    shown = view;
  };
  const goBelow = (text = "") => {
    io.err(leave(shown) + text);
    shown = NO_VIEW;
  };

  async function edit(): Promise<Incoming> {
    let state = EMPTY;
    let isLeaving = false;
    show(state);
    while (true) {
      const event = await events.next();
      if (event === "closed") return goBelow(), "end";
      if (event === "resized") {
        shown = reflowed(shown, io.terminal.size().columns);
        show(state);
        continue;
      }
      if (event === "resumed") {
        io.err(PASTE_ON);
        shown = NO_VIEW; // the shell has written below it
        show(state);
        continue;
      }
      const pressed = press(state, event, history.texts);
      state = pressed.state;
      if (pressed.effect === "submit") {
        // All of it, though the screen may have fewer rows.
        const atEnd = { ...state, cursor: state.text.length };
        show(atEnd, { rows: Infinity });
        goBelow();
        const reason = await history.add(state.text);
        if (reason !== undefined) note(io, `# Nothing is kept: ${reason}`);
        return typedText(state.text);
      }
      if (pressed.effect === "end") return goBelow(), "end";
      if (pressed.effect === "interrupt") {
        const hasText = state.text !== "";
        if (!hasText && isLeaving) return goBelow(), "interrupted";
        isLeaving = !hasText;
        const hint = dim("Ctrl-C again or Ctrl-D leaves; /help for help");
        goBelow(hasText ? "" : `${hint}\r\n`);
        state = EMPTY;
      } else {
        isLeaving = false;
      }
      if (pressed.effect === "clear") {
        io.err(WIPE_SCREEN);
        shown = NO_VIEW;
      }
      if (pressed.effect === "complete") {
        const { state: completed, choices } = await completeText(
          state,
          complete,
        );
        state = completed;
        if (choices.length > 0) {
          const { columns } = io.terminal.size();
          const rows = joinRows(choices, { columns, separator: "  " });
          goBelow(`${dim(rows.join("\r\n"))}\r\n`);
        }
      }
      show(state);
    }
  }

  let isEditing = false;
  // Unheard, Ctrl-C would end the program, with a conversation that nobody saved. During
  // an answer, who else listens decides.
  const guard = interrupts.listen(() => {
    if (isEditing) events.push({ name: "interrupt" });
  }, { patience: Infinity });

  return {
    async next() {
      terminal.setRaw(true);
      io.err(PASTE_ON);
      isEditing = true;
      try {
        return await edit();
      } finally {
        isEditing = false;
        io.err(PASTE_OFF);
      }
    },
    [Symbol.dispose]: () => {
      terminal.setRaw(false);
      listening[Symbol.dispose]();
      guard[Symbol.dispose]();
    },
  };
}

/** Reads on while nobody waits for a key. */
async function readKeys(
  input: ReadableStream<Uint8Array>,
  events: Queue<Event>,
): Promise<void> {
  const decoder = new TextDecoder();
  const reader = new KeyReader();
  try {
    for await (const bytes of input) {
      const text = decoder.decode(bytes, { stream: true });
      for (const key of reader.push(text)) events.push(key);
    }
  } finally {
    events.push("closed"); // the window is gone, too, if reading fails
  }
}

/** Values that come when they come. */
class Queue<T> {
  readonly #values: T[] = [];
  #wake: (() => void) | undefined;

  /** Adds a value. */
  push(value: T): void {
    this.#values.push(value);
    this.#wake?.();
  }

  /** Waits for the first value and takes it. */
  async next(): Promise<T> {
    while (this.#values.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#values.shift()!;
  }
}
