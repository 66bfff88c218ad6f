import type { ChatTemplate, Message } from "../text/chat_template.ts";

/**
 * Makes the prompt of a conversation.
 *
 * @param model The model's name and template.
 * @param messages The conversation so far.
 * @returns The prompt, up to where the answer begins.
 * @throws {Error} If there is no template, or it refuses the messages.
 */
export function renderChat(
  { name, chatTemplate }: {
    readonly name: string;
    readonly chatTemplate: ChatTemplate | null;
  },
  messages: readonly Message[],
): string {
  if (chatTemplate === null) {
    throw new Error(
      `Cannot chat with ${name}: it has no chat template, wanted one in tokenizer_config.json or chat_template.jinja; generate() takes plain text`,
    );
  }
  const render = (messages: readonly Message[]) =>
    chatTemplate.render(messages, { addGenerationPrompt: true });
  try {
    return render(messages);
  } catch (error) {
    const [first, ...others] = messages;
    if (first?.role !== "system" || !succeeds(() => render(others))) {
      throw error;
    }
    // The template's own words, if any, are about turns: Mixtral's has no system.
    throw new Error(
      `Cannot chat with ${name}: its chat template takes no system message, wanted it in the first message of the user`,
      { cause: error },
    );
  }
}

function succeeds(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}
