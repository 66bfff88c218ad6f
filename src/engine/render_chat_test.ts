import { assertEquals, assertThrows } from "@std/assert";
import { ChatTemplate } from "../text/chat_template.ts";
import { renderChat } from "./render_chat.ts";

/** As Mixtral's: roles take turns, so there is no place for a system message. */
const TURNS = `{% for message in messages %}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
{{ raise_exception('Conversation roles must alternate') }}
{%- endif %}[{{ message.content }}]{% endfor %}`;

const USER = { role: "user", content: "q" };
const SYSTEM = { role: "system", content: "be nice" };

function model(template: string | null) {
  const chatTemplate = template === null ? null : new ChatTemplate(template);
  return { name: "m", chatTemplate };
}

Deno.test("renderChat() says that a template has no place for a system message", () => {
  const mixtral = model(TURNS);
  assertEquals(renderChat(mixtral, [USER]), "[q]");
  assertThrows(
    () => renderChat(mixtral, [SYSTEM, USER]),
    Error,
    "Cannot chat with m: its chat template takes no system message, wanted it in the first message of the user",
  );
});

Deno.test("renderChat() blames no system message for what is wrong without it, too", () => {
  const mixtral = model(TURNS);
  for (const messages of [[USER, USER], [SYSTEM, USER, USER]]) {
    const error = assertThrows(() => renderChat(mixtral, messages), Error);
    assertEquals(
      error.message,
      "Cannot render the chat template: Conversation roles must alternate",
    );
  }
  assertThrows(() => renderChat(model(null), [USER]), Error, "it has no chat");
});
