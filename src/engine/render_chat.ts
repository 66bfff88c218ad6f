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
  return chatTemplate.render(messages, { addGenerationPrompt: true });
}
