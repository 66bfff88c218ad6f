// @ts-check

/** @typedef {import("./conversation_file.js").Conversation} Conversation */

/**
 * A message as the server is told it.
 *
 * @typedef {{ role: "system" | "user" | "assistant", content: string }} ToldMessage
 */

/**
 * What the model is told of a conversation whose last message is the user's.
 * Answers of which there is no word are left out, and messages of the user that
 * then follow each other become one: templates want the two to take turns.
 *
 * @param {Conversation} conversation
 * @param {string} system The system message; none if empty.
 * @returns {ToldMessage[]}
 */
export function toldMessages({ messages, firstSent }, system) {
  const told = /** @type {ToldMessage[]} */ ([]);
  for (const { role, content } of messages.slice(firstSent)) {
    if (role === "assistant" && content === "") continue;
    const last = told.at(-1);
    if (last?.role === "user" && role === "user") {
      last.content += `\n\n${content}`;
    } else told.push({ role, content });
  }
  if (system.trim() !== "") told.unshift({ role: "system", content: system });
  return told;
}

/**
 * Leaves out the older half of what the model is told, so that the rest fits.
 *
 * @param {Conversation} conversation
 * @returns {number} The new `firstSent`: a message of the user. The same as
 *   before if only one is left.
 */
export function shortened({ messages, firstSent }) {
  const asked = [...messages.entries()].flatMap(([index, { role }]) =>
    role === "user" && index > firstSent ? [index] : []
  );
  return asked[Math.floor(asked.length / 2)] ?? firstSent;
}
